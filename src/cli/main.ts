import { Command, CommanderError, Option } from 'commander';
import { InputError } from '../common/errors.js';
import { VERSION } from '../common/version.js';
import { PRECISION_NAMES } from '../formats/gguf-tensor.js';
import { STAGES } from '../run/events.js';
import { type Answer, answer, EXIT, fail } from './command.js';
import { control } from './control.js';
import { devices } from './devices.js';
import { evaluate, type EvalOptions } from './eval.js';
import { EXPORT_FORMATS, exportChild, type ExportOptions } from './export.js';
import { generate, type GenerateOptions } from './generate.js';
import { inspect } from './inspect.js';
import { resume, search, type SearchFlags } from './search.js';
import { solve } from './solve.js';
import type { SolveFlags } from './solve-flags.js';
import { status } from './status.js';

const HELP = `
Every command takes --json: then exactly one JSON object is printed on stdout, and messages go to stderr.
Exit status: 0 done, 1 failed or cancelled, 2 the input cannot be used. Errors with --json: {"error": {"message", "where"}}.`;

/** The words of the command line, and what each of them does. */
function buildProgram(json: boolean, exit: (status: number) => void): Command {
  const program = new Command('puzzle')
    .description('Makes a trained LLM smaller and faster for a given machine, by the Puzzle method.')
    .version(VERSION)
    .addHelpText('after', HELP);
  const command = (usage: string, description: string) =>
    // Settings such as exitOverride are inherited at the moment a command is made.
    program.command(usage).description(description).option('--json', 'print one JSON object');
  const perform = async (work: () => Promise<Answer>) => {
    exit(await answer(json, work));
  };
  program.exitOverride().configureOutput({ outputError: () => undefined });
  const until = new Option('--until <stage>', 'stop after this stage').choices(STAGES);

  command('search <spec>', 'search a smaller, faster child as a *.puzzle.json asks for')
    .option('--run <dir>', 'run directory (default: .puzzle/NAME beside the spec); a run found there is resumed')
    .addOption(until)
    .option('--baselines', 'also make and evaluate uniform width pruning and layer dropping')
    .action((spec: string, flags: SearchFlags) => perform(() => search(spec, flags)));
  command('resume <run>', 'go on with a run that was stopped, cancelled or paused')
    .addOption(until)
    .option('--baselines', 'also make and evaluate uniform width pruning and layer dropping')
    .action((run: string, flags: SearchFlags) => perform(() => resume(run, flags)));
  command('status <run>', 'tell how far a run is').action((run: string) => perform(() => status(run)));
  command('pause <run>', 'ask the process at work on a run to pause').action((run: string) =>
    perform(() => control(run, 'pause')),
  );
  command('cancel <run>', 'ask the process at work on a run to stop').action((run: string) =>
    perform(() => control(run, 'cancel')),
  );
  command('inspect <model>', 'tell what a parent or child is; needs only its config.json').action((model: string) =>
    perform(() => inspect(model)),
  );
  command('devices', 'tell what ONNX Runtime can measure on here, for "target.device" of a spec').action(() =>
    perform(devices),
  );
  command('eval <model>', 'likelihood of a text and accuracy on multiple-choice tasks')
    .option('--text <file>', 'one document')
    .option('--tasks <files...>', 'JSONL files of {"context", "choices", "answer"}, or folders of them')
    .action((model: string, options: EvalOptions) => perform(() => evaluate(model, options)));
  command('generate <model>', 'continue a text, greedily')
    .requiredOption('--prompt <text>', 'the beginning')
    .requiredOption('--tokens <n>', 'how many tokens to add at most')
    .action((model: string, options: GenerateOptions) => perform(() => generate(model, options)));
  command(
    'solve [run]',
    'find the best architecture of a scored and measured run, a library file or a Puzzletron directory, under other limits',
  )
    .option('--library <file>', 'solve a *.puzzle-library.json instead of a run')
    .option(
      '--target <targets...>',
      "solve for other machines: hardware profiles (h100-sxm, rtx-4090, …), files with a cost table or a spec's target",
    )
    .option('--constraint <limits...>', 'for example "memory<=60%" "throughput>=2x"; the other limits of the spec hold')
    .option('--pin <variants...>', 'what a layer must have, for example "3:attention=kv2"; of a file, "3:NAME"')
    .option(
      '--ban <variants...>',
      'what a layer must not have, for example "5:ffn=no-op"; of a file, "5:NAME" or "*:NAME"',
    )
    .option('--same <layers...>', 'layers that must be alike, for example "0-9" (library files)')
    .option('--max-shapes <n>', 'at most so many different choices (library files)')
    .option('--gap <score>', 'be content with this much above the least sum of scores (library files)')
    .option('--max-milliseconds <n>', 'stop then, with the best so far and its bound (library files)')
    .option('--metric <name>', 'the score (Puzzletron directories; default: kl_div)')
    .option('--stats <args...>', 'which table of costs, for example "batch_size=96" (Puzzletron directories)')
    .option('--out <file>', 'write solutions.json for the realise step (Puzzletron directories)')
    .option('--explain', "also what limits are worth, and what each layer's second best would cost")
    .option('--front <metrics...>', 'the best under many limits on one metric or two')
    .option('--points <n>', 'points of the front along each metric (default: 20)')
    .option('--diverse <n>', 'so many architectures that differ from each other')
    .option('--overlap <share>', 'in what share of the layers those may agree (default: 0.8)')
    .action((run: string | undefined, flags: SolveFlags) => perform(() => solve(run, flags)));
  command('export <run>', 'write the child of a finished run, or the model in a folder, for other programs')
    .addOption(new Option('--format <format>', 'layout').choices(EXPORT_FORMATS).default('hf'))
    .addOption(new Option('--precision <type>', 'of the matrices in a GGUF (default: f32)').choices(PRECISION_NAMES))
    .requiredOption('--out <path>', 'a directory that does not exist yet; for gguf also the name of a file')
    .action((run: string, options: ExportOptions) => perform(() => exportChild(run, options)));
  return program;
}

/** Runs a command line and returns its exit status. */
async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  let exitStatus: number = EXIT.ok;
  const program = buildProgram(json, (status) => (exitStatus = status));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitStatus;
  } catch (error) {
    if (!(error instanceof CommanderError)) return fail(json, error);
    // Help that was asked for is an answer.
    if (error.exitCode === 0) return EXIT.ok;
    const message = error.code === 'commander.help' ? 'no command was given' : error.message.replace(/^error: /, '');
    return fail(json, new InputError(`${message} (see puzzle --help)`));
  }
}

process.exitCode = await main(process.argv.slice(2));
