import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { locksFor } from '../../src/cli/locks.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { holdInProcess } from '../fixtures/lock-process.ts'
import { locksContract } from './locks.contract.ts'

locksContract('beside a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'locks-'))
  const partOf = (name: string) => ({ kind: 'file' as const, path: join(folder, name), what: name })
  await writeFile(join(folder, 'shop.db'), '')
  return {
    open: () => locksFor({ clock: systemClock, register: () => undefined, environment: {} }),
    part: partOf('shop.db'),
    neighbour: partOf('till.db'),
    hold: (part, holder) => holdInProcess(part, holder),
    evicts: true,
    close: () => rm(folder, { recursive: true }),
  }
})
