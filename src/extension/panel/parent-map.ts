import type { ArchitectureMap } from '../../protocol/architecture.js';
import { MAX_CONFIG_BYTES } from '../../formats/hf-config.js';
import { readJsonFile } from '../../formats/json-file.js';
import { describeConfig } from '../../model/config-map.js';

/** The map of a model by its `config.json`. */
export async function readParentMap(configFile: string): Promise<ArchitectureMap> {
  return describeConfig(await readJsonFile(configFile, MAX_CONFIG_BYTES), configFile);
}
