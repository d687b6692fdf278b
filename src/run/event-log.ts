import { closeSync, createReadStream, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, messageOf } from '../common/errors.js';
import { ABSENT, type Disk, errorCode, realDisk, storageError, writeAll } from './disk.js';
import { DURABLE_EVENTS, EVENT_VERSION, MAX_EVENT_BYTES, type NewEvent, type RunEvent, eventSchema } from './events.js';

const NEWLINE = 0x0a;

/** The log of the run in a directory. */
export const eventsPath = (directory: string): string => join(directory, 'events.jsonl');

/**
 * The events of a log, each with the byte offset after its line, so that a follower can go on from there (`from`). A
 * last line that is torn (no newline yet, or not JSON because the machine stopped while it was written) is left out;
 * a log that does not exist has no events.
 *
 * @throws InputError naming the line, when one in the middle cannot be read or comes from a later version.
 */
export async function* readEvents(path: string, from = 0): AsyncGenerator<{ event: RunEvent; end: number }> {
  let number = 0;
  let torn: InputError | undefined;
  for await (const { line, end } of readLines(path, from)) {
    if (torn) throw torn;
    number++;
    const where = from === 0 ? `${path}: line ${number}` : `${path}: line ${number} after byte ${from}`;
    const json = parseJson(line);
    // Only the last line may be unreadable, so the complaint waits until there is another.
    if (json === undefined) torn = new InputError('not a line of JSON; the log is damaged', where);
    else yield { event: parseEvent(json, where), end };
  }
}

async function* readLines(path: string, from: number): AsyncGenerator<{ line: Buffer; end: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let end = from;
  try {
    for await (const chunk of createReadStream(path, { start: from }) as AsyncIterable<Buffer>) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE)) {
        end += at + 1;
        yield { line: bytes.subarray(0, at), end };
        bytes = bytes.subarray(at + 1);
      }
      if (bytes.length > MAX_EVENT_BYTES) {
        throw new InputError(`a line longer than ${MAX_EVENT_BYTES} bytes; this is not the log of a run`, path);
      }
      rest = bytes;
    }
  } catch (error) {
    if (!ABSENT.has(errorCode(error) ?? '')) throw error;
  }
}

function parseJson(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function parseEvent(json: unknown, where: string): RunEvent {
  const version = typeof json === 'object' && json !== null && 'v' in json ? json.v : undefined;
  if (typeof version === 'number' && version > EVENT_VERSION) {
    throw new InputError(
      `written by a later version of this program (format ${version}, this one reads ${EVENT_VERSION}); update it`,
      where,
    );
  }
  const parsed = eventSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InputError(`not an event: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`, where);
}

/** The writing end of a log; only the holder of the run's lock may have one. Appending is synchronous: order is kept. */
export class EventLog {
  private constructor(
    private readonly path: string,
    private readonly descriptor: number,
    private length: number,
    private readonly disk: Disk,
  ) {}

  /**
   * Opens a log for appending, giving every event in it to `onEvent` and cutting off a torn last line.
   *
   * @throws InputError when the log cannot be understood.
   */
  static async open(path: string, onEvent: (event: RunEvent) => void, disk: Disk = realDisk): Promise<EventLog> {
    let length = 0;
    for await (const { event, end } of readEvents(path)) {
      onEvent(event);
      length = end;
    }
    const descriptor = openSync(path, 'a');
    if (fstatSync(descriptor).size > length) ftruncateSync(descriptor, length);
    return new EventLog(path, descriptor, length, disk);
  }

  /**
   * Stamps and appends one event, and syncs the log when the event must survive a power cut.
   *
   * @throws StorageError when the disk does not take it; the log then ends with the event before.
   */
  append(event: NewEvent): RunEvent {
    const stamped = eventSchema.parse({ v: EVENT_VERSION, t: new Date().toISOString(), ...event });
    const line = Buffer.from(`${JSON.stringify(stamped)}\n`);
    if (line.length > MAX_EVENT_BYTES) {
      throw new Error(`a ${event.type} event of ${line.length} bytes; store what is large as an artifact`);
    }
    try {
      writeAll(this.disk, this.descriptor, line);
      if (DURABLE_EVENTS.has(event.type)) this.disk.sync(this.descriptor);
    } catch (error) {
      this.cutBack(error);
      throw storageError(error, this.path);
    }
    this.length += line.length;
    return stamped;
  }

  /** Removes what a failed append left, so that the next one starts on a line of its own. */
  private cutBack(cause: unknown): void {
    try {
      ftruncateSync(this.descriptor, this.length);
    } catch (error) {
      throw new Error(`${this.path}: ${messageOf(cause)}, and the half-written line could not be removed`, {
        cause: error,
      });
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
