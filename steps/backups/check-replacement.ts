import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type DataArchive,
  type FileFacts,
  type Finding,
  type Look,
} from '../../src/index.ts'
import { makingOf } from './lib/destination.ts'
import { folderOf } from '../files/lib/path.ts'
import type { Unpacked } from '../files/unpack.ts'

type Input = {
  readonly data: DataArchive
  readonly restored: Unpacked
  readonly code: Unpacked
  /** The folder that the services run from, and the names in it that a bundle never replaces. */
  readonly into: string
  readonly keep: readonly string[]
  /** More folders that a bundle must not replace: staging, releases. */
  readonly spared: readonly string[]
}

type Output = { readonly live: string; readonly replaces: readonly string[] }

/**
 * Checks, before anything stops, that the unpacked data and release can take their places by renaming alone.
 * @throws RunbookError `failed` for another file system or owner, or a path that must not be replaced
 */
export const checkReplacement = defineStep<Input, Output>({
  kind: 'files.check-replacement',
  version: 1,
  effect: 'observe',
  describe: ({ data, into }) =>
    say`Sees that what was restored can take the places of ${isPending(data) ? 'the live folder' : (data.making?.source ?? 'the live folder')} and of the release in ${into}: same file system, same owner, nothing else in the way.`,
  preflight: async (look, { data, into }) => {
    const folders = [...(isPending(data) ? [] : [makingOf(data).source]), ...(isPending(into) ? [] : [into])]
    return (await Promise.all(folders.map((folder) => mustBeFolder(look, folder)))).flat()
  },
  run: async (look, { data, restored, code, into, keep, spared }) => {
    const live = makingOf(data).source
    const [old, above, fresh, release, there] = await Promise.all(
      [live, folderOf(live), restored.root, code.root, into].map((path) => factsOf(look, path)),
    )
    const replaces = (await look.files.list(code.root)).filter((name) => !keep.includes(name))
    const wrong = [
      ...mismatches(live, { old, above, fresh }),
      ...apart(release, there, code.root, into),
      ...collisions(
        replaces.map((name) => `${into}/${name}`),
        [live, data.place.directory, ...spared],
      ),
    ]
    const [first] = wrong
    if (first !== undefined)
      throw new RunbookError('failed', wrong.map(({ problem }) => problem).join('; '), { hint: first.hint })
    if (old?.mode !== fresh?.mode)
      look.note(`${live} has mode ${octal(old)}; what was restored has ${octal(fresh)}`)
    return { live, replaces }
  },
})

type Wrong = { readonly problem: string; readonly hint: string }

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
): readonly Wrong[] {
  const wrong: Wrong[] = []
  if (above?.device !== fresh?.device || old?.device !== above?.device)
    wrong.push({
      problem: `${live} cannot be exchanged by renaming: staging, or the folder itself, lies on another file system`,
      hint: 'set staging in runbook.config.ts to a folder beside it',
    })
  if (old?.uid !== fresh?.uid || old?.gid !== fresh?.gid)
    wrong.push({
      problem: `${live} belongs to ${old?.uid}:${old?.gid}, and what was restored to ${fresh?.uid}:${fresh?.gid}`,
      hint: 'run this as root, which restores owners, or as the owner; or take another archive',
    })
  return wrong
}

const apart = (
  release: FileFacts | undefined,
  there: FileFacts | undefined,
  from: string,
  into: string,
): readonly Wrong[] =>
  release?.device === there?.device
    ? []
    : [
        {
          problem: `${from} and ${into} lie on different file systems`,
          hint: 'set staging in runbook.config.ts to a folder beside the release',
        },
      ]

/** A replaced path must not equal, contain or be inside a spared one. Pure. */
export function collisions(replaced: readonly string[], spared: readonly string[]): readonly Wrong[] {
  const meet = (one: string, other: string): boolean =>
    one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)
  return replaced.flatMap((path) =>
    spared
      .filter((one) => meet(path, one))
      .map((one) => ({
        problem: `the bundle holds ${path}, and would replace ${one}`,
        hint: 'leave it out of bundles, or name it in drill.keep in runbook.config.ts',
      })),
  )
}

async function mustBeFolder(look: Look, folder: string): Promise<readonly Finding[]> {
  const facts = await look.files.stat(folder)
  if (facts?.kind === 'directory') return []
  const problem = facts === null ? `${folder} is not there` : `${folder} is a ${facts.kind} and no folder`
  return [{ level: 'refuse', about: folder, problem, hint: `ls -ld ${folder}` }]
}

async function factsOf(look: Look, path: string): Promise<FileFacts> {
  const facts = await look.files.stat(path)
  if (facts?.kind === 'directory') return facts
  throw new RunbookError(
    'failed',
    facts === null ? `${path} is not there` : `${path} is a ${facts.kind} and no folder`,
    { hint: `ls -ld ${path}` },
  )
}

const octal = (facts: FileFacts | undefined): string =>
  facts === undefined ? 'none' : facts.mode.toString(8)
