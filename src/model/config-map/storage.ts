import type { Fields } from '../../formats/fields.js';
import { DTYPES } from '../../formats/hf-config.js';
import type { Dtype } from '../../formats/safetensors-header.js';

const FIELDS = ['dtype', 'torch_dtype'];
/** What a file that says nothing is taken to be stored as. */
const UNSAID = 'float32';

/** What every weight is stored as; null where weights are quantised, or stored in some other way. */
export function storedDtype(fields: Fields): Dtype | null {
  if (fields.has('quantization_config')) return null;
  const name = FIELDS.find((field) => fields.has(field));
  const stored: unknown = name === undefined ? UNSAID : fields.get(name);
  return Object.entries(DTYPES).find(([known]) => known === stored)?.[1] ?? null;
}
