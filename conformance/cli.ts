#!/usr/bin/env node
/**
 * The command line of the conformance suite.
 *
 * @module
 */
import { command } from './command.ts';

process.exitCode = await command(process.argv.slice(2), process);
