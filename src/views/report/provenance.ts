import type { SourceFile, UsedImage } from '../../run/journal/provenance.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { code, literal, paragraph, strong, table, type Block, type Inline } from '../document.ts'

/** Which commits and images the run was made from. What was not looked at is unknown. */
export function provenance({ provenance: found }: RunRecord): readonly Block[] {
  if (found === undefined) return [paragraph('Unknown: the journal of this run does not say.')]
  const { files, images, imagesAtEnd } = found
  const rows = files.map((file): readonly Inline[] => [
    file.what === 'configuration' ? 'Configuration' : 'Runbook',
    file.file === null ? literal('–') : code(file.file),
    file.commit === null ? ['unknown: ', code(file.why ?? '')] : code(file.commit),
    stateOf(file),
  ])
  return [table(['What', 'File', 'Commit', 'State'], rows), ...imageTable(images, imagesAtEnd ?? null)]
}

function stateOf({ commit, tracked, changed }: SourceFile): Inline {
  if (commit === null) return 'unknown'
  if (tracked !== true) return strong('the file is not in git')
  if (changed.length === 0) return 'as committed'
  return [
    strong('changed since'),
    ': ',
    ...changed.flatMap((name, index): readonly Inline[] => [index === 0 ? '' : ', ', code(name)]),
  ]
}

function imageTable(before: readonly UsedImage[], after: readonly UsedImage[] | null): readonly Block[] {
  const names = [...new Set([...before, ...(after ?? [])].map(({ what }) => what))].sort()
  if (names.length === 0) return []
  const rows = names.map((name): readonly Inline[] => [
    code(name),
    ...[before, ...(after === null ? [] : [after])].map((images) => imagesNamed(images, name)),
  ])
  const head = ['Used', 'Image before the run', ...(after === null ? [] : ['Image at its end'])]
  return [table(head, rows)]
}

const imagesNamed = (images: readonly UsedImage[], name: string): Inline =>
  images
    .filter(({ what }) => what === name)
    .flatMap(({ image, id, why, digests }, index): readonly Inline[] => [
      index === 0 ? '' : '; ',
      ...(image === null ? [] : [code(image), ' ']),
      id === null ? ['unknown: ', code(why ?? '')] : code(id),
      ...registryOf(digests),
    ])

/** Journals of earlier versions and processes have no such digests. */
function registryOf(digests: UsedImage['digests']): readonly Inline[] {
  if (digests === undefined) return []
  if (digests === null) return [', registry digest unknown']
  if (digests.length === 0) return [', no registry digest: built or loaded here']
  return [', in the registry ', ...digests.flatMap((one, index) => [index === 0 ? '' : ' ', code(one)])]
}
