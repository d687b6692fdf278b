// A process for the scaling benchmark: trains variants as the search does, or multiplies matrices.
import { input, matmul } from '../../src/graph/primitives.js';
import { float32, Session, zeros } from '../../src/graph/session.js';
import { type DistilPayload, distilTask } from '../../src/search/distil.js';
import { serveTasks } from '../../src/worker/task-process.js';

/** `times` products [m,k] x [k,n], on one thread. */
export interface MatmulPayload {
  m: number;
  k: number;
  n: number;
  times: number;
}

serveTasks({
  distil: (payload, context) => distilTask(payload as DistilPayload, context),
  matmul: async (payload) => {
    const { m, k, n, times } = payload as MatmulPayload;
    const session = await Session.create({ c: matmul(input('a', [m, k]), input('b', [k, n])) });
    const feeds = {
      a: float32(new Float32Array(m * k).fill(0.5), [m, k]),
      b: float32(new Float32Array(k * n).fill(0.5), [k, n]),
    };
    const into = { c: zeros([m, n]) };
    for (let i = 0; i < times; i++) await session.run(feeds, into);
    await session.release();
    return null;
  },
});
