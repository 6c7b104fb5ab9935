import { expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { targetOf } from '../../src/config/target.ts'
import { systemOf } from '../../src/model/target.ts'
import { brace } from '../../targets/brace.ts'
import { codex, codexDev } from '../../targets/codex.ts'
import { composeApi } from '../../targets/compose-api.ts'
import { contextsafe } from '../../targets/contextsafe.ts'

const basePaths = { directory: '/srv/ops', home: '/home/op', host: 'box' }
const targets = {
  codex: codex(),
  'codex-dev': codexDev(),
  elsewhere: codex({ snapshots: '/srv/other' }),
  brace: brace(),
  api: composeApi(),
  contextsafe: contextsafe(),
}
const system = (name: keyof typeof targets): string =>
  systemOf(targetOf(configSchema.parse({ targets }), name, basePaths))

it('production and development that share images and their snapshots exclude each other: no prune while the other is being rolled back', () => {
  expect(system('codex-dev')).toBe(system('codex'))
})

it('other systems do not', () => {
  expect(new Set((['codex', 'elsewhere', 'brace', 'api', 'contextsafe'] as const).map(system)).size).toBe(5)
})
