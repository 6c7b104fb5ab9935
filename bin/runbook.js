#!/usr/bin/env node
// Plain JavaScript, and nothing imported before the check: old versions of Node must get as far as the message.
const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  process.stderr.write(
    `runbook needs Node 24 or newer, and this is ${process.versions.node}\n` +
      'hint: install Node 24, or try it once with `npx -p node@24 -p runbook runbook …`\n',
  )
  process.exitCode = 2
} else {
  const { enableCompileCache } = await import('node:module')
  enableCompileCache?.()
  // Node takes types away from source files only outside node_modules; a published copy brings JavaScript.
  const installed = import.meta.url.includes('/node_modules/')
  const { main } = await import(installed ? '../dist/cli/main.js' : '../src/cli/main.ts')
  await main(process.argv.slice(2))
}
