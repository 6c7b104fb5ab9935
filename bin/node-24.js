// Plain JavaScript that loads nothing newer than it checks for: old versions of Node must get as far as the message.
import { existsSync } from 'fs'

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  const checkout = existsSync(new URL('../src/cli/main.ts', import.meta.url))
  process.stderr.write(
    `runbook needs Node 24 or newer, and this is Node ${process.versions.node}: type \`${
      checkout ? 'npm ci' : 'npm i -D node@24'
    }\` in your project${checkout ? ', without --ignore-scripts' : ''}, then \`npx runbook …\`\n`,
  )
  process.exit(2)
}
