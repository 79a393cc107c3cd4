/**
 * A vault in a process of its own, for tests that kill it: `node serve-child.ts <state folder>`. JSON lines on
 * standard output; SIGTERM ends it in order.
 *
 * @module
 */
import { serveVault } from '../server.ts';

const [, , folder = ''] = process.argv;
const server = await serveVault({ folder, port: 0 });
process.once('SIGTERM', () => {
  void server.close();
});
