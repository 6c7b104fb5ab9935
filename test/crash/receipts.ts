import { existsSync, readFileSync } from 'node:fs'
import type { Scene } from './scene.ts'

/** Every sale that a shop acknowledged, on whichever data. */
export function receiptsIn(scene: Pick<Scene, 'path'>): readonly string[] {
  const file = scene.path('receipts')
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
}

/** Those on the data of this revision, sorted. */
export const receiptsOf = (scene: Pick<Scene, 'path'>, revision: string): readonly string[] =>
  receiptsIn(scene)
    .filter((receipt) => receipt.startsWith(revision))
    .sort()
