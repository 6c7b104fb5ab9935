import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type DataArchive,
  type FileFacts,
  type Finding,
  type Look,
  shellWord,
} from '../../src/index.ts'
import { makingOf } from './lib/destination.ts'
import { folderOf, lastOf } from '../files/lib/path.ts'
import { requireSameFolder } from '../files/lib/ours.ts'
import { requireSameTree, treeVersionOf } from '../files/lib/tree-version.ts'
import type { RunFolder } from '../files/run-unpacked.ts'
import { versionOf, type Unpacked } from '../files/unpack.ts'

type Input = {
  readonly data: DataArchive
  readonly restored: Unpacked
  /** The bundle, its dependencies installed. */
  readonly code: RunFolder
  /** The folder that the services run from, and the names in it that a bundle never replaces. */
  readonly into: string
  readonly keep: readonly string[]
  /** More folders that a bundle must not replace: staging, releases. */
  readonly spared: readonly string[]
}

/** What is to be replaced. `identities`: as in `FileFacts`; missing in older journals. */
export type CheckedReplacement = {
  readonly live: string
  readonly replaces: readonly string[]
  readonly identities?: { readonly live: string | null; readonly into: string | null }
  /** Versions of the unpacked folders that were checked; missing in older journals. */
  readonly versions?: { readonly restored: string; readonly code: string }
}

/**
 * Checks, before anything stops, that the unpacked data and release can take their places by renaming alone.
 * @throws RunbookError `failed` for another file system or owner, or a path that must not be replaced;
 *   `verification` where the data is no longer as it was unpacked, or the code as its command left it
 */
export const checkReplacement = defineStep<Input, CheckedReplacement>({
  kind: 'files.check-replacement',
  version: 1,
  effect: 'observe',
  describe: ({ data, into }) => {
    const live = (isPending(data) ? undefined : data.making?.source) ?? 'the live folder'
    return (
      say`Checks that the restored data can replace ${live} and the release in ${into} by renaming: ` +
      'same file system, same owner, no protected path replaced.'
    )
  },
  preflight: async (look, { data, into }) => {
    const folders = [...(isPending(data) ? [] : [makingOf(data).source]), ...(isPending(into) ? [] : [into])]
    return (await Promise.all(folders.map((folder) => mustBeFolder(look, folder)))).flat()
  },
  run: async (look, { data, restored, code, into, keep, spared }) => {
    const live = makingOf(data).source
    await requireSameTree(look, restored.folder, versionOf(restored), 'it was unpacked')
    // Missing in journals of earlier versions.
    await requireSameTree(look, code.folder, code.ran, 'its dependencies were installed')
    const versions = {
      restored: await treeVersionOf(look, restored.folder),
      code: await treeVersionOf(look, code.folder),
    }
    const [old, above, fresh, release, there] = await Promise.all(
      [live, folderOf(live), restored.root, code.root, into].map((path) => factsOf(look, path)),
    )
    const replaces = (await look.files.list(code.root)).filter((name) => !keep.includes(name))
    const problems = [
      ...mismatches(live, { old, above, fresh }),
      ...otherDevice(release, there, code.root, into),
      ...collisions(
        replaces.map((name) => `${into}/${name}`),
        [live, data.place.directory, ...spared],
        keep,
      ),
    ]
    const [first] = problems
    if (first !== undefined)
      throw new RunbookError('failed', problems.map(({ problem }) => problem).join('; '), {
        hint: first.hint,
      })
    if (old?.mode !== fresh?.mode)
      look.note(`${live} has mode ${octal(old)}; the restored folder has ${octal(fresh)}`)
    const identities = { live: old?.identity ?? null, into: there?.identity ?? null }
    return { live, replaces, identities, versions }
  },
  stillHolds: async (look, { input: { data, restored, code, into }, output: { identities, versions } }) => {
    await requireSameFolder(look, makingOf(data).source, identities?.live)
    await requireSameFolder(look, into, identities?.into)
    await requireSameTree(look, restored.folder, versions?.restored, 'it was checked')
    await requireSameTree(look, code.folder, versions?.code, 'it was checked')
  },
})

type Problem = { readonly problem: string; readonly hint: string }

/** Another device rules out renaming; another owner could make the data unreadable to the service. Pure. */
export function mismatches(
  live: string,
  {
    old,
    above,
    fresh,
  }: {
    readonly old: FileFacts | undefined
    readonly above: FileFacts | undefined
    readonly fresh: FileFacts | undefined
  },
): readonly Problem[] {
  const problems: Problem[] = []
  if (above?.device !== fresh?.device || old?.device !== above?.device)
    problems.push({
      problem: `cannot replace ${live} by renaming: staging or the folder itself is on another file system`,
      hint: 'set staging in runbook.config.ts to a folder beside it',
    })
  if (old?.uid !== fresh?.uid || old?.gid !== fresh?.gid)
    problems.push({
      problem: `owner mismatch: ${live} belongs to ${old?.uid}:${old?.gid}, the restored folder to ${fresh?.uid}:${fresh?.gid}`,
      hint: 'run as root, which restores owners, or as the owner; or choose another archive',
    })
  return problems
}

const otherDevice = (
  release: FileFacts | undefined,
  there: FileFacts | undefined,
  from: string,
  into: string,
): readonly Problem[] =>
  release?.device === there?.device
    ? []
    : [
        {
          problem: `${from} and ${into} are on different file systems`,
          hint: 'set staging in runbook.config.ts to a folder beside the release',
        },
      ]

/** A replaced path must not equal, contain or be inside a spared one. Pure. */
export function collisions(
  replaced: readonly string[],
  spared: readonly string[],
  keep: readonly string[],
): readonly Problem[] {
  const overlap = (one: string, other: string): boolean =>
    one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)
  const pairs = replaced.flatMap((path) =>
    spared.filter((one) => overlap(path, one)).map((one) => ({ path, one })),
  )
  // The complete list, since a list of one's own replaces the default.
  const names = [...new Set([...keep, ...pairs.map(({ path }) => lastOf(path))])]
  return pairs.map(({ path, one }) => ({
    problem: `the bundle contains ${path} and would replace ${one}`,
    hint: `exclude it from bundles, or set drill.keep in runbook.config.ts: ['${names.join("', '")}']`,
  }))
}

async function mustBeFolder(look: Look, folder: string): Promise<readonly Finding[]> {
  const facts = await look.files.stat(folder)
  if (facts?.kind === 'directory') return []
  const problem = facts === null ? `${folder} not found` : `${folder} is a ${facts.kind}, not a folder`
  return [{ level: 'refuse', about: folder, problem, hint: `check: ls -ld ${shellWord(folder)}` }]
}

async function factsOf(look: Look, path: string): Promise<FileFacts> {
  const facts = await look.files.stat(path)
  if (facts?.kind === 'directory') return facts
  throw new RunbookError(
    'failed',
    facts === null ? `${path} not found` : `${path} is a ${facts.kind}, not a folder`,
    { hint: `check: ls -ld ${shellWord(path)}` },
  )
}

const octal = (facts: FileFacts | undefined): string =>
  facts === undefined ? 'none' : facts.mode.toString(8)
