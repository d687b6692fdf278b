import type { Device } from '../common/devices.js';

/** What people call a device, and what has to be there for it, if anything. */
export const DEVICE_FACTS: Readonly<Record<Device, { name: string; needs?: string }>> = {
  cpu: { name: 'the CPU' },
  webgpu: { name: 'WebGPU', needs: 'a GPU with a driver for Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS)' },
  cuda: {
    name: 'CUDA',
    needs:
      'Linux on x64, an NVIDIA GPU, CUDA with cuDNN, and the libraries of ONNX Runtime for it (npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12)',
  },
  dml: { name: 'DirectML', needs: 'Windows and a GPU with a driver for Direct3D 12' },
  coreml: { name: 'Core ML', needs: 'macOS' },
};

/** Why a device does not work, with what it needs. */
export function withNeeds(device: Device, reason: string): string {
  const { needs } = DEVICE_FACTS[device];
  return needs === undefined ? reason : `${reason}; it needs ${needs}`;
}
