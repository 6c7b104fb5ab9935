import type { ReadingOrder } from '../../unwrap/folder-stream.ts'
import { customFrontOf, largeObjectsIn } from './custom-front.ts'

/** The order of the table of contents, in which `customFrom` opens the files, so that none has to be kept. */
export const readingOrder: ReadingOrder = async ({ names, read }) => {
  const toc = 'toc.dat'
  const front = customFrontOf(await read(toc))
  if ('refused' in front) return [toc]
  const there = new Set(names)
  const withEndings = (members: readonly string[]): readonly string[] =>
    members
      .flatMap((name) => ['', '.gz', '.zst'].map((ending) => `${name}${ending}`))
      .filter((name) => there.has(name))
      .slice(0, 1)
  const order = [toc]
  for (const { of, members } of front.blocks) {
    const files = withEndings(members)
    order.push(...files)
    const [list] = files
    if (of === 'table' || list === undefined) continue
    const objects = largeObjectsIn((await read(list)).toString('latin1')) ?? []
    order.push(...objects.flatMap(({ member }) => withEndings([member])))
  }
  return order
}
