import type { Precision } from '../model/accounting.js';

/** What a maker publishes of a device: peaks that nothing reaches, which `CALIBRATION` scales down. */
export interface Hardware {
  title: string;
  /** Bytes. */
  memory: number;
  /** Bytes per second between memory and processor. */
  bandwidth: number;
  /**
   * Dense floating-point operations per second of a matrix product, two per multiply-add, accumulated in F32. A precision
   * that is absent is computed in the next wider one.
   */
  flops: Partial<Record<Precision, number>> & { F32: number };
  /** Bytes per second from one device to another, one way; null where several do not serve one model. */
  link: number | null;
  /** Where the numbers come from. */
  source: string;
}

const GB = 1e9;
const TFLOPS = 1e12;

/** NVIDIA gives peaks with structured sparsity; these are the dense ones, half of those. */
export const HARDWARE = {
  'h100-sxm': {
    title: 'NVIDIA H100 SXM 80 GB',
    ...{ memory: 80 * GB, bandwidth: 3350 * GB, link: 450 * GB },
    flops: { F8: 1979 * TFLOPS, BF16: 989.5 * TFLOPS, F16: 989.5 * TFLOPS, F32: 67 * TFLOPS },
    source: 'NVIDIA H100 data sheet (SXM): 3.35 TB/s, 80 GB, 3,958 and 1,979 TFLOPS with sparsity, NVLink 900 GB/s',
  },
  h200: {
    title: 'NVIDIA H200 SXM 141 GB',
    ...{ memory: 141 * GB, bandwidth: 4800 * GB, link: 450 * GB },
    flops: { F8: 1979 * TFLOPS, BF16: 989.5 * TFLOPS, F16: 989.5 * TFLOPS, F32: 67 * TFLOPS },
    source: 'NVIDIA H200 data sheet (SXM): 4.8 TB/s, 141 GB, compute and NVLink of the H100',
  },
  'a100-80gb': {
    title: 'NVIDIA A100 SXM 80 GB',
    ...{ memory: 80 * GB, bandwidth: 2039 * GB, link: 300 * GB },
    flops: { BF16: 312 * TFLOPS, F16: 312 * TFLOPS, F32: 19.5 * TFLOPS },
    source: 'NVIDIA A100 data sheet (80GB SXM): 2,039 GB/s, 312 TFLOPS dense, NVLink 600 GB/s; no FP8',
  },
  l40s: {
    title: 'NVIDIA L40S 48 GB',
    ...{ memory: 48 * GB, bandwidth: 864 * GB, link: 32 * GB },
    flops: { F8: 733 * TFLOPS, BF16: 362 * TFLOPS, F16: 362 * TFLOPS, F32: 91.6 * TFLOPS },
    source: 'NVIDIA L40S data sheet: 864 GB/s, 48 GB, 733 and 362.05 TFLOPS dense, PCIe Gen4 x16 64 GB/s both ways',
  },
  'rtx-4090': {
    title: 'NVIDIA GeForce RTX 4090 24 GB',
    ...{ memory: 24 * GB, bandwidth: 1008 * GB, link: 32 * GB },
    flops: { F8: 330.3 * TFLOPS, BF16: 165.2 * TFLOPS, F16: 165.2 * TFLOPS, F32: 82.6 * TFLOPS },
    source: 'NVIDIA Ada GPU architecture paper, appendix A: 1,008 GB/s, dense, F32 accumulation; PCIe Gen4 x16',
  },
  'rtx-5090': {
    title: 'NVIDIA GeForce RTX 5090 32 GB',
    ...{ memory: 32 * GB, bandwidth: 1792 * GB, link: 64 * GB },
    flops: { F8: 419 * TFLOPS, BF16: 209.5 * TFLOPS, F16: 209.5 * TFLOPS, F32: 104.8 * TFLOPS },
    source:
      'NVIDIA RTX Blackwell GPU architecture paper, appendix A: 1,792 GB/s, dense, F32 accumulation; PCIe Gen5 x16',
  },
  'm1-max': {
    title: 'Apple M1 Max 64 GB',
    ...{ memory: 64 * GB, bandwidth: 400 * GB, link: null },
    flops: { BF16: 10.4 * TFLOPS, F16: 10.4 * TFLOPS, F32: 10.4 * TFLOPS },
    source: 'Apple, M1 Max announcement: 400 GB/s, up to 64 GB, 10.4 TFLOPS (32-core GPU)',
  },
  'm4-max': {
    title: 'Apple M4 Max 128 GB',
    ...{ memory: 128 * GB, bandwidth: 546 * GB, link: null },
    flops: { BF16: 19.8 * TFLOPS, F16: 19.8 * TFLOPS, F32: 19.8 * TFLOPS },
    source:
      'Apple, M4 Max announcement: 546 GB/s, up to 128 GB, GPU up to 1.9 times an M1 Max; TFLOPS derived from that, not published',
  },
  'generic-cpu': {
    title: 'a desktop CPU with 8 cores and 32 GB',
    ...{ memory: 32 * GB, bandwidth: 89.6 * GB, link: null },
    flops: { F32: 0.896 * TFLOPS },
    source:
      'computed: two channels of DDR5-5600 (8 bytes each); 8 cores x 2 AVX2 fused multiply-adds of 8 values x 3.5 GHz',
  },
} as const satisfies Record<string, Hardware>;

export type HardwareName = keyof typeof HARDWARE;
export const HARDWARE_NAMES = Object.keys(HARDWARE) as HardwareName[];

/** From the narrowest to the widest. */
const BY_WIDTH: readonly Precision[] = ['F8', 'BF16', 'F16', 'F32'];

/** Operations per second on weights of a precision: in it, or in the next wider one that the device computes in. */
export function flopsAt({ flops }: Hardware, precision: Precision): number {
  const wider = BY_WIDTH.slice(BY_WIDTH.indexOf(precision)).find((one) => flops[one] !== undefined);
  return flops[wider ?? 'F32'] ?? flops.F32;
}
