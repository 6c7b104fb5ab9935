/**
 * Builds what the package brings. TypeScript writes all of it first: its declarations stay, and so does its JavaScript of the
 * steps and runbooks, whose code is part of a plan's digest. The program around them is then bundled.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'rolldown'
import { bundled, entrances } from './bundled.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})

for (const file of globSync('src/**/*.{js,json}', { cwd: dist })) rmSync(join(dist, file))

await build(bundled(root, entrances, join(dist, 'src')))

copyFileSync(join(root, 'node_modules/zod/LICENSE'), join(dist, 'src/chunks/zod.LICENSE'))
