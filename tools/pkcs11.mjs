// Compiles pkcs11js, which talks to devices (docs/hsm.md): `npm ci` runs no scripts of packages, and node-gyp would fetch
// headers. It is three files of C++ against Node-API, whose headers the package of Node 24 brings; what comes out works
// with every later Node. Needs g++ (or $CXX), and does nothing if it was done.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const source = join(modules, 'pkcs11js');
const output = join(source, 'build/Release/pkcs11.node');

function fail(message) {
  process.stderr.write(`pkcs11js was not compiled: ${message}\n`);
  process.exit(1);
}

if (!existsSync(output)) {
  if (!existsSync(source)) fail('it is not installed; run npm ci without --omit=optional');
  const headers = [
    join(dirname(process.execPath), '../include/node'),
    join(modules, `node-${process.platform}-${process.arch}/include/node`),
    '/usr/include/node',
  ].find((folder) => existsSync(join(folder, 'node_api.h')));
  if (headers === undefined) fail('no headers of Node; install them beside node (include/node)');
  const fresh = join(source, `pkcs11-${process.pid}.node`);
  const platform = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-ldl'];
  const options = ['-shared', '-fPIC', '-O2', '-std=c++17', '-fvisibility=hidden', '-o', fresh];
  const defines = [
    '-DNODE_GYP_MODULE_NAME=pkcs11',
    '-DBUILDING_NODE_EXTENSION',
    '-DNAPI_DISABLE_CPP_EXCEPTIONS',
  ];
  const includes = ['-I', join(source, 'includes'), '-I', headers];
  const files = ['dl.cpp', 'common.cpp', 'main.cpp'].map((name) => join(source, 'src', name));
  const compiler = process.env.CXX ?? 'g++';
  const { error, status } = spawnSync(
    compiler,
    [...options, ...defines, ...includes, ...files, ...platform],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  if (error !== undefined) fail(`${compiler} cannot be run (${error.code}); install g++`);
  if (status !== 0) fail(`${compiler} ended with ${status}`);
  mkdirSync(dirname(output), { recursive: true });
  renameSync(fresh, output); // as a whole: others may be compiling too
}
