/**
 * Builds what the package brings. TypeScript writes all of it first: its declarations stay, and so does its JavaScript of the
 * steps and runbooks, whose code is part of a plan's digest. The program around them is then bundled.
 */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
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

const { output } = await build(bundled(root, entrances, join(dist, 'src')))

/** Folders of the packages that the build contains. */
const packages = new Set(
  output.flatMap((part) =>
    part.type === 'chunk'
      ? part.moduleIds.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
      : [],
  ),
)
const licences = [...packages].sort().map((folder) => {
  const [file] = globSync('{LICENSE,LICENCE,license}*', { cwd: folder })
  if (file === undefined) throw new Error(`${folder} lacks a licence to bring with its code`)
  return `${basename(folder)}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
})
writeFileSync(join(dist, 'src/chunks/contained.LICENSES'), licences.join(`\n${'-'.repeat(80)}\n\n`))
