import { InputError, messageOf } from '../../common/errors.js';
import { configLines, type LayerLines, type OffsetRange } from '../../formats/config-lines.js';
import { parseJsonBytes } from '../../formats/json-file.js';
import { describeConfig } from '../../model/config-map.js';
import type { ArchitectureMap } from '../../protocol/architecture.js';
import { lineAt, readJsonText } from '../../search/spec-text.js';
import { NOTHING, type PanelContent } from '../panel/session.js';

/** The state of a config map: the architecture by the text as it stands in the editor, and where the cursor is in it. */
export class ConfigState {
  private map: ArchitectureMap | null = null;
  private problem: string | null = null;
  private lines: LayerLines = configLines('');
  private cursor: number | null = null;

  /** @param name the file's, for people */
  constructor(
    private readonly uri: string,
    private readonly name: string,
  ) {}

  /** While a text makes no map, the last one that did stays, with the reason. `problem`: why there is no text. */
  setText(text: string, problem: string | null = null): void {
    this.lines = configLines(text);
    try {
      if (problem !== null) throw new InputError(problem, this.name);
      this.map = describeConfig(this.parse(text), this.name);
      this.problem = null;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }

  /** As strict as for any config, but with the line where a text that is being written is no JSON yet. */
  private parse(text: string): unknown {
    const [problem] = readJsonText(text).problems;
    if (problem !== undefined) {
      throw new InputError(`line ${lineAt(text, problem.start)}: ${problem.message}`, this.name);
    }
    return parseJsonBytes(new TextEncoder().encode(text), this.name);
  }

  /** @param offset of the cursor in the text; null where it is elsewhere */
  setCursor(offset: number | null): void {
    this.cursor = offset;
  }

  /** Where the text speaks of a layer; empty where it does not. */
  rangesOf(layer: number): readonly OffsetRange[] {
    return this.lines.ranges[layer] ?? [];
  }

  content(): PanelContent {
    return {
      ...NOTHING,
      ...{
        kind: 'config',
        uris: [this.uri],
        title: this.map === null ? this.name : `${this.map.family}: ${this.name}`,
      },
      parent: this.map,
      cursorLayer: this.cursor === null ? null : this.lines.layerAt(this.cursor),
      error: this.problem,
    };
  }
}
