import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { layTree } from './tree.ts'

const config = (ending: string): string => `import { defineConfig } from 'runbook'

export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  defaultTarget: 'files',
  targets: {
    files: {
      staging: './staging',
      data: { directory: './backups', pattern: 'files-{time}.${ending}', source: './live', layout: 'flat' },
    },
  },
})
`

/** A project whose target is a data folder. @returns what the folder holds */
export function dataBackupIn(folder: string, files: number, ending: 'tar.gz' | 'tar.zst'): string {
  const size = layTree(join(folder, 'live'), files)
  for (const name of ['backups', 'staging']) mkdirSync(join(folder, name), { mode: 0o700 })
  writeFileSync(join(folder, 'runbook.config.ts'), config(ending), { mode: 0o600 })
  return size
}
