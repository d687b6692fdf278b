import { type FileHandle, open } from 'node:fs/promises';
import { f16ToF32, f32ToF16 } from '../common/half.js';

/**
 * Hidden states on disk: rows of `width` numbers as F16, one row a token, in the order of the token file. Written once
 * front to back, read at any row.
 */
export class HiddenWriter implements AsyncDisposable {
  private constructor(private readonly handle: FileHandle) {}

  static async create(file: string): Promise<HiddenWriter> {
    return new HiddenWriter(await open(file, 'w'));
  }

  async append(rows: Float32Array): Promise<void> {
    const halves = f32ToF16(rows);
    const bytes = new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
    // A disk that is nearly full takes a part, and only then says so.
    for (let done = 0; done < bytes.length;) {
      done += (await this.handle.write(bytes, done, bytes.length - done)).bytesWritten;
    }
  }

  /** What was appended is on the disk when this returns. */
  async sync(): Promise<void> {
    await this.handle.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }
}

const BYTES_PER_VALUE = 2;

export class HiddenReader implements AsyncDisposable {
  private constructor(
    private readonly handle: FileHandle,
    private readonly file: string,
    readonly width: number,
  ) {}

  static async open(file: string, width: number): Promise<HiddenReader> {
    return new HiddenReader(await open(file, 'r'), file, width);
  }

  /** Rows first..first+count-1, row-major, as float32. */
  async read(first: number, count: number): Promise<Float32Array> {
    const halves = new Uint16Array(count * this.width);
    const position = first * this.width * BYTES_PER_VALUE;
    const { bytesRead } = await this.handle.read(new Uint8Array(halves.buffer), 0, halves.byteLength, position);
    if (bytesRead !== halves.byteLength) throw new Error(`${this.file}: ends before row ${first + count}`);
    return f16ToF32(halves);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }
}
