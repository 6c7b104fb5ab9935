import type { Draft } from '../draft.ts'
import { literal } from '../literal.ts'
import type { Step } from '../procedure.ts'
import { isLiteral, type Recipes } from './recipe.ts'

/** The tag in the arguments of `gh release`, or a parameter. */
function versionOf(draft: Draft, { program: { args } }: Step, otherwise: string): string {
  const [, , tag] = args
  return tag !== undefined && /^v?\d/.test(tag) && isLiteral(tag)
    ? literal(tag)
    : draft.param(
        'release',
        `param.text('Version (tag name) of the release').optional(${literal(otherwise)})`,
      )
}

const bundle = (draft: Draft, step: Step): string =>
  draft.once(
    'chooseBundle',
    'Choose the bundle',
    () =>
      `{ release: ${draft.need('release')}, host: ${draft.need('publication')}, version: ${versionOf(draft, step, 'that of the newest bundle')}, includeSecrets: false }`,
  )

const verified = (draft: Draft, step: Step): string => {
  const chosen = bundle(draft, step)
  return draft.once(
    'verifyRelease',
    'Verify the bundle against its lock file',
    () => `{ lock: ${chosen}.lock }`,
  )
}

const drafted = (draft: Draft, step: Step): string => {
  const chosen = bundle(draft, step)
  const proven = verified(draft, step)
  return draft.once(
    'draftRelease',
    'Draft the GitHub Release',
    () => `{ host: ${draft.need('publication')}, bundle: ${chosen}, verified: ${proven} }`,
  )
}

const addressed = (draft: Draft, step: Step): string => {
  const release = drafted(draft, step)
  const chosen = bundle(draft, step)
  return draft.once(
    'writeReleaseUrl',
    'Write the release URL into the lock file',
    () => `{ lock: ${chosen}.lock, draft: ${release} }`,
  )
}

/** A release is published with its files read back, or not at all, so a single file is never added to one. */
export const releases: Recipes = {
  publishRelease: (draft, step) => {
    const host = draft.need('publication')
    const release = drafted(draft, step)
    const lock = addressed(draft, step)
    const proven = verified(draft, step)
    const uploaded = draft.once(
      'uploadAssets',
      'Upload the bundle, its lock file and SHA256SUMS',
      () => `{ host: ${host}, draft: ${release}, bundle: ${proven}, lock: ${lock} }`,
    )
    const read = draft.once(
      'readAssets',
      'Read back the uploaded files',
      () => `{ host: ${host}, draft: ${release}, uploaded: ${uploaded} }`,
    )
    draft.once(
      'publishRelease',
      'Publish the release',
      () => `{ host: ${host}, draft: ${release}, read: ${read} }`,
    )
  },
  writeReleaseUrl: (draft, step) => void addressed(draft, step),
  downloadRelease: (draft, step) => {
    const fetched = draft.once(
      'downloadRelease',
      'Download the release',
      () =>
        `{ host: ${draft.need('publication')}, release: ${draft.need('release')}, tag: ${versionOf(draft, step, 'the latest one')} }`,
    )
    draft.once(
      'verifyRelease',
      'Verify the bundle against its lock file',
      () => `{ lock: ${fetched}.lock }`,
      'of a download',
    )
  },
}
