/*
 * Every check of the sources, in two lanes beside each other: lint alone takes about as long as the others together. What a
 * lane says is said when its check has ended, so that nothing is mixed. The canary goes last and alone: what it plants is
 * for nobody else to see.
 *
 *   npm run check
 */
import { spawn } from 'node:child_process';

const lanes = [['lint'], ['types', 'format:check', 'migrations', 'unused']];

/** Runs one script of package.json, and gives whether it was content. */
function run(script) {
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  return new Promise((done) => {
    child.once('close', (code) => {
      const verdict = code === 0 ? '' : `${script}: failed\n`;
      process.stdout.write(`${Buffer.concat(said).toString()}${verdict}`);
      done(code === 0);
    });
  });
}

async function inTurn(scripts) {
  let isContent = true;
  for (const script of scripts) isContent = (await run(script)) && isContent;
  return isContent;
}

const contents = await Promise.all(lanes.map(inTurn));
contents.push(await run('canary'));
process.exitCode = contents.every(Boolean) ? 0 : 1;
