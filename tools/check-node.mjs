// Plain JavaScript, so that any Node can say it: a missing optional package is silent, a wrong Node is not.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `Strongroom needs Node 24 or newer; this is Node ${process.versions.node} (${process.platform}-${process.arch}), ` +
      'and no Node 24 package was installed for this platform. Install Node 24 or newer from https://nodejs.org ' +
      'and run the command again, or run "npm ci" without --omit=optional.\n',
  );
  process.exit(1);
}
