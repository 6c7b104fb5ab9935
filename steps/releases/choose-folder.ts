import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type JsonObject,
  type Look,
  type ReleaseFolders,
  shellWord,
} from '../../src/index.ts'

type Input = { readonly folders: ReleaseFolders; readonly name: string }

/** The folder of a release. */
export type ChosenFolder = JsonObject & {
  readonly name: string
  /** SHA-256 of the file that identifies the release where it runs. */
  readonly proof: string
  /** What the link pointed at, as written in it. Missing in older journals. */
  readonly link?: string
}

/** Finds the folder of a release, and the file that identifies the release where it runs. */
export const chooseFolder = defineStep<Input, ChosenFolder>({
  kind: 'releases.choose-folder',
  version: 1,
  effect: 'observe',
  describe: ({ folders, name }) =>
    isPending(folders)
      ? 'Finds the folder of the release.'
      : say`Finds the release ${name} in ${folders.directory}, and the file ${folders.proof.file} that identifies it.`,
  preflight: async (look, { folders, name }) => {
    if (!isPending(folders) && !isPending(name)) await choose(look, { folders, name })
    return []
  },
  run: async (look, input) => {
    const chosen = await choose(look, input)
    look.note(
      `${input.folders.link} points at ${await look.files.linkTarget(input.folders.link)}; going back to ${chosen.name}`,
    )
    return chosen
  },
})

async function choose(
  look: Look,
  { folders: { link, directory, proof }, name }: Input,
): Promise<ChosenFolder> {
  const refused = (why: string, hint: string): RunbookError => new RunbookError('preflight', why, { hint })
  if (!/^\w[\w.+-]*$/.test(name))
    throw new RunbookError('usage', `${JSON.stringify(name)} is not a release name`, {
      hint: `check: ls ${shellWord(directory)}`,
    })
  const now = await look.files.linkTarget(link)
  if (now === null)
    throw refused(
      `${link} is not a symbolic link, so the live release is unknown`,
      `check: ls -ld ${shellWord(link)}`,
    )
  const folder = `${directory}/${name}`
  if ((await look.files.stat(folder))?.kind !== 'directory') {
    const available =
      (await look.files.stat(directory))?.kind === 'directory' ? await look.files.list(directory) : []
    throw refused(
      `folder ${folder} not found (available: ${available.slice(-8).join(', ') || 'none'})`,
      'name another release with --to',
    )
  }
  const file = `${folder}/${proof.file}`
  if ((await look.files.stat(file))?.kind !== 'file')
    throw refused(
      `file ${proof.file} not found in the release ${name}, so it cannot be identified`,
      'check that the release is complete, or choose a file that every release has: releaseFolders.proof',
    )
  const sha256 = await look.files.hash(file)
  const running = await look.services.digests(proof.services, proof.inside)
  if (running.length > 0 && running.every((one) => one.sha256 === sha256))
    throw refused(
      `${proof.services.names.join(', ')} already runs the release ${name}, or one with the same ${proof.file}`,
      'name an older one with --to',
    )
  return { name, proof: sha256, link: now }
}
