import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type JsonObject,
  type Look,
  type ReleaseFolders,
} from '../../src/index.ts'

type Input = { readonly folders: ReleaseFolders; readonly name: string }

/** The folder of a release. */
export type ChosenFolder = JsonObject & {
  readonly name: string
  /** SHA-256 of the file that identifies the release where it runs. */
  readonly proof: string
}

/** Finds the folder of a release, and the file that identifies the release where it runs. */
export const chooseFolder = defineStep<Input, ChosenFolder>({
  kind: 'releases.choose-folder',
  version: 1,
  effect: 'observe',
  describe: ({ folders, name }) =>
    isPending(folders)
      ? 'Finds the folder of the release.'
      : say`Finds the release ${name} in ${folders.directory}, and its ${folders.proof.file}, by which it is known.`,
  preflight: async (look, { folders, name }) => {
    if (!isPending(folders) && !isPending(name)) await choose(look, { folders, name })
    return []
  },
  run: async (look, input) => {
    const chosen = await choose(look, input)
    look.note(
      `${input.folders.link} leads to ${await look.files.linkTarget(input.folders.link)}; back to ${chosen.name}`,
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
    throw new RunbookError('usage', `${JSON.stringify(name)} is no name of a release`, {
      hint: `ls ${directory}`,
    })
  if ((await look.files.linkTarget(link)) === null)
    throw refused(`${link} is no symbolic link, so nothing says which release is live`, `ls -ld ${link}`)
  const folder = `${directory}/${name}`
  if ((await look.files.stat(folder))?.kind !== 'directory') {
    const there =
      (await look.files.stat(directory))?.kind === 'directory' ? await look.files.list(directory) : []
    throw refused(
      `there is no folder ${folder}; there ${there.length === 0 ? 'is none' : `are ${there.slice(-8).join(', ')}`}`,
      'name another release with --to',
    )
  }
  const file = `${folder}/${proof.file}`
  if ((await look.files.stat(file))?.kind !== 'file')
    throw refused(
      `the release ${name} has no ${proof.file}, by which it would be known`,
      'is it whole? Name a file that every release has: releaseFolders.proof',
    )
  const sha256 = await look.files.hash(file)
  const seen = await look.services.digests(proof.services, proof.inside)
  if (seen.length > 0 && seen.every((one) => one.sha256 === sha256))
    throw refused(
      `${proof.services.names.join(', ')} runs the release ${name} already, or one with the same ${proof.file}`,
      'name an older one with --to',
    )
  return { name, proof: sha256 }
}
