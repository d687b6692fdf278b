import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import { type Disk, StorageError, realDisk } from '../../src/run/disk.js';
import { EventLog, readEvents } from '../../src/run/event-log.js';
import { MAX_EVENT_BYTES, type NewEvent, type RunEvent } from '../../src/run/events.js';
import { temporaryDirectory } from '../support/run-process.js';

const ignore = (): void => undefined;
const log = (message: string): NewEvent => ({ type: 'log', level: 'info', message });

async function eventsOf(path: string): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const { event } of readEvents(path)) events.push(event);
  return events;
}

async function messagesOf(path: string): Promise<string[]> {
  return (await eventsOf(path)).flatMap((event) => (event.type === 'log' ? [event.message] : []));
}

async function writeLog(path: string, messages: readonly string[]): Promise<void> {
  const writer = await EventLog.open(path, ignore);
  for (const message of messages) writer.append(log(message));
  writer.close();
}

describe('the event log', () => {
  it('gives back what was appended, in order, stamped with version and time', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    await writeLog(path, ['one', 'two\nlines', 'três']);
    const events = await eventsOf(path);
    assert.deepEqual(await messagesOf(path), ['one', 'two\nlines', 'três']);
    for (const event of events) {
      assert.equal(event.v, 1);
      assert.ok(Math.abs(Date.now() - Date.parse(event.t)) < 60_000);
    }
  });

  it('has no events when it does not exist', async (t) => {
    assert.deepEqual(await eventsOf(join(await temporaryDirectory(t), 'events.jsonl')), []);
  });

  it('cut at any byte keeps every whole line, and the next append starts on a line of its own', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    const messages = ['first', 'sécond', 'third'];
    await writeLog(path, messages);
    const whole = await readFile(path);
    const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at + 1);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (length) => {
        await writeFile(path, whole);
        await truncate(path, length);
        const kept = messages.slice(0, ends.filter((end) => end <= length).length);
        assert.deepEqual(await messagesOf(path), kept);
        await writeLog(path, ['after']);
        assert.deepEqual(await messagesOf(path), [...kept, 'after']);
      }),
      { numRuns: 60 },
    );
  });

  it('drops a last line of zeros that a power cut left, newline included', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    await writeLog(path, ['kept']);
    await appendFile(path, '\0\0\0\0\n');
    await writeLog(path, ['after']);
    assert.deepEqual(await messagesOf(path), ['kept', 'after']);
  });

  it('names the line that is damaged in the middle, and leaves the log alone', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    await writeLog(path, ['one']);
    await appendFile(path, '{"v":1,\n');
    await appendFile(path, await readFile(path, 'utf8').then((text) => text.slice(0, text.indexOf('\n') + 1)));
    const before = await readFile(path);
    await assert.rejects(
      EventLog.open(path, ignore),
      (error) => error instanceof InputError && /line 2/.test(error.message),
    );
    assert.deepEqual(await readFile(path), before);
  });

  it('refuses lines of a later version, naming both versions', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    await writeLog(path, ['one']);
    await appendFile(path, `${JSON.stringify({ v: 2, t: new Date().toISOString(), type: 'telepathy' })}\n`);
    await assert.rejects(
      eventsOf(path),
      (error) => error instanceof InputError && /line 2.*format 2.*reads 1/.test(error.message),
    );
  });

  it('refuses events it does not know', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    await writeFile(path, `${JSON.stringify({ v: 1, t: new Date().toISOString(), type: 'telepathy' })}\n`);
    await assert.rejects(eventsOf(path), InputError);
  });

  it('refuses a file whose line never ends without reading all of it', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    await writeFile(path, 'x'.repeat(2 * MAX_EVENT_BYTES));
    await assert.rejects(eventsOf(path), (error) => error instanceof InputError && /longer than/.test(error.message));
  });

  it('does not write what it could not read back', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    const writer = await EventLog.open(path, ignore);
    assert.throws(() => writer.append({ type: 'stage-progress', stage: 'distil', done: NaN, total: 1 }));
    assert.throws(() => writer.append(log('x'.repeat(MAX_EVENT_BYTES))), /store what is large as an artifact/);
    writer.append(log('fine'));
    writer.close();
    assert.deepEqual(await messagesOf(path), ['fine']);
  });

  it('can be followed from where the last look ended', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    await writeLog(path, ['one', 'two']);
    let end = 0;
    for await (const line of readEvents(path)) end = line.end;
    await writeLog(path, ['three']);
    const later: RunEvent[] = [];
    for await (const { event } of readEvents(path, end)) later.push(event);
    assert.deepEqual(
      later.map((event) => event.type === 'log' && event.message),
      ['three'],
    );
  });

  it('tells a full disk clearly, keeps the events before, and goes on when there is room again', async (t) => {
    const path = join(await temporaryDirectory(t), 'events.jsonl');
    let room = 150;
    const filling: Disk = {
      ...realDisk,
      write: (descriptor, bytes) => {
        if (room === 0) throw Object.assign(new Error('write'), { code: 'ENOSPC' });
        const part = bytes.subarray(0, room);
        room -= part.length;
        return realDisk.write(descriptor, part);
      },
    };
    const writer = await EventLog.open(path, ignore, filling);
    writer.append(log('fits'));
    assert.throws(
      () => writer.append(log('x'.repeat(200))),
      (error) => {
        return error instanceof StorageError && error.message.includes(path) && /disk is full/.test(error.message);
      },
    );
    room = Infinity;
    writer.append(log('after'));
    writer.close();
    assert.deepEqual(await messagesOf(path), ['fits', 'after']);
  });
});

describe('on a file system that is really full', () => {
  it('a run says so and leaves nothing half-written', async (t) => {
    const dir = await temporaryDirectory(t);
    const program = fileURLToPath(new URL('../support/full-disk.ts', import.meta.url));
    // A mount name space of its own: the small file system is gone with the process.
    const script = `mount -t tmpfs -o size=256k tmpfs "${dir}" || exit 77; exec "$@"`;
    const args = ['-rm', 'sh', '-c', script, 'sh', process.execPath, ...process.execArgv, program, dir];
    try {
      await promisify(execFile)('unshare', args);
    } catch (error) {
      const failure = error as { code?: unknown; stderr?: string };
      if (failure.code === 'ENOENT' || failure.code === 77 || (failure.stderr ?? '').startsWith('unshare:')) {
        t.skip('mounting a small file system is not permitted here');
        return;
      }
      assert.fail(failure.stderr);
    }
  });
});
