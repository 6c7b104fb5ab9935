// Plain JavaScript that loads nothing newer than it checks for: old versions of Node must get as far as the message.
import { existsSync } from 'node:fs'

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  const checkout = existsSync(new URL('../src/cli/main.ts', import.meta.url))
  process.stderr.write(
    `runbook needs Node 24 or newer, and this is ${process.versions.node}\n` +
      (checkout
        ? 'hint: `npm ci`, without --ignore-scripts, brings Node 24; `npx runbook …` and `npm run …` in this folder then use it\n'
        : 'hint: install Node 24, or try it once with `npx -p node@24 runbook …`\n'),
  )
  process.exit(2)
}
