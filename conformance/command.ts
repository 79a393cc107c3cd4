/**
 * The commands of the conformance suite.
 *
 * @module
 */
import { UsageError, type Command, type Streams } from './commands/command.ts';
import { copy } from './commands/copy.ts';
import { doctor } from './commands/doctor.ts';
import { explain } from './commands/explain.ts';
import { init } from './commands/init.ts';
import { list } from './commands/list.ts';
import { matrixCommand } from './commands/matrix.ts';
import { runTests } from './commands/run.ts';
import { verify } from './commands/verify.ts';
import { StartError } from './runner/connection.ts';
import { EXIT } from './runner/verdict.ts';

/** Every command by its name, in the order in which the help lists them. */
const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['init', init],
  ['doctor', doctor],
  ['run', runTests],
  ['verify', verify],
  ['list', list],
  ['explain', explain],
  ['copy', copy],
  ['matrix', matrixCommand],
]);

const HELP = `Usage: strongroom-conformance <command> [options]

Commands; each has --help of its own
${[...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`).join('\n')}

Exit codes
  0 as asked · 1 a case failed · 2 wrong usage · 3 the implementation did not start or broke the protocol
  4 a fault of the suite · 5 only stale expectations · 6 a claimed role is incomplete

Examples
  strongroom-conformance init --lang python my-reader
  strongroom-conformance run --adapter "node conformance/adapters/reference.ts"
  strongroom-conformance run --vault http://127.0.0.1:8787
  strongroom-conformance explain chunks.swapped
`;

async function main([name, ...args]: readonly string[], io: Streams): Promise<number> {
  const asked = (arg: string | undefined): boolean => arg === '--help' || arg === '-h';
  if (name === undefined || asked(name)) {
    io.stdout.write(HELP);
    return name === undefined ? EXIT.usage : EXIT.asAsked;
  }
  const found = COMMANDS.get(name);
  if (found === undefined) throw new UsageError(`there is no command ${name}; see --help`);
  if (!args.some(asked)) return found.run(args, io);
  io.stdout.write(found.help);
  return EXIT.asAsked;
}

/**
 * Runs one command line.
 *
 * @param args without the program
 * @returns the exit code
 */
export async function command(args: readonly string[], io: Streams): Promise<number> {
  try {
    return await main(args, io);
  } catch (error) {
    const [message, stack] = error instanceof Error ? [error.message, error.stack] : [String(error), ''];
    io.stderr.write(`strongroom-conformance: ${message}\n`);
    if (error instanceof UsageError) return EXIT.usage;
    if (error instanceof StartError) return EXIT.notStarted;
    io.stderr.write(`This is a fault of the suite, not of the implementation.\n${stack}\n`);
    return EXIT.suiteFault;
  }
}
