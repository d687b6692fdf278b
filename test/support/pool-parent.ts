// A process with a pool of two children, to be killed: `pool-parent.ts`.
import { runTasks } from '../../src/worker/pool.js';

const wait = (id: string) => ({ id, kind: 'wait', payload: null, cost: 1 });
let waiting = 0;
await runTasks([wait('a'), wait('b')], {
  processes: 2,
  entry: new URL('./pool-tasks.ts', import.meta.url),
  onProgress: () => {
    if (++waiting === 2) process.send?.('both at work');
  },
});
