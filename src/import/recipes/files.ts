import type { Draft } from '../draft.ts'
import { literal } from '../literal.ts'
import { settingOf } from '../configured.ts'
import { folderMovedBy } from '../moved-folder.ts'
import type { Step } from '../procedure.ts'
import { found, staging } from './databases.ts'
import { logged } from './dump-restore.ts'
import { isLiteral, type Recipes } from './recipe.ts'
import { pin, stopped } from './services.ts'

const archiveParam = (draft: Draft): string =>
  draft.param('archive', `param.path('Data archive').optional('the newest one')`)

const archive = (draft: Draft): string =>
  draft.facts.volume === null
    ? draft.once('verifyBackup', 'Choose and verify the data archive', () => {
        const data = draft.need('data')
        return `{ from: ${data}.place, file: ${archiveParam(draft)}, passphrase: ${data}.passphrase, folder: ${data}.making?.source ?? null }`
      })
    : found(draft)

const unpacked = (draft: Draft): string =>
  draft.once('unpack', 'Extract the data archive', () => {
    const found = archive(draft)
    const data = draft.need('data')
    const folder = staging(draft, `archives: [{ from: ${data}.place, file: ${archiveParam(draft)} }]`)
    return `{ archive: ${found}, staging: ${folder}, as: 'data', passphrase: ${data}.passphrase }`
  })

const unpacks = ({ program: { program, args } }: Step): boolean =>
  program === 'tar' && /^(-?[a-zA-Z]*x|--extract)/.test(args[0] ?? '')

/** What the steps that need no passphrase get. */
const open = (draft: Draft): string => `{ ...${draft.need('data')}, passphrase: null }`

const version = (draft: Draft): string => {
  const { file, services } = configuration(draft)
  return draft.once(
    'earlierVersion',
    'Find the earlier version of the env file',
    () =>
      `{ file: ${file}, revision: ${draft.param('revision', `param.text('Restore the env file from git at this revision').default('HEAD~1')`)}, copy: ${draft.param('copy', `param.path('Restore this copy of the env file instead').optional('git, at --revision')`)}, services: ${services} }`,
  )
}

function configuration(draft: Draft): { readonly file: string; readonly services: string } {
  const all = draft.need('configuration')
  return { file: `${all}.file`, services: `${all}.services` }
}

const replaced = (draft: Draft): void => {
  const earlier = version(draft)
  const { file, services } = configuration(draft)
  const choice = draft.once(
    'replaceConfig',
    'Replace the env file (keep a copy)',
    () => `{ file: ${file}, version: ${earlier}, services: ${services} }`,
  )
  draft.edit = { services, choice, image: null }
}

export const files: Recipes = {
  verifyBackup: (draft) => void archive(draft),
  unpack: (draft) => void unpacked(draft),
  moveAside: (draft, step, all) => {
    const at = all.indexOf(step)
    if (folderMovedBy(step, all.slice(0, at)) === null) return false
    if (!all.slice(at + 1).some(unpacks))
      return 'Nothing live is moved before its replacement is unpacked and checked, and this procedure unpacks none.'
    const data = draft.need('data')
    const extracted = unpacked(draft)
    const restored = draft.output('runUnpacked') ?? extracted
    draft.once(
      'checkKeyFiles',
      'Check the key files',
      () => `{ root: ${restored}.root, files: ${data}.keyFiles, unpacked: ${restored} }`,
    )
    draft.ask(
      `{ phrase: \`restore \${${data}.making?.source ?? 'the data'}\`, acceptsEnvironment: true, showing: { archive: ${archive(draft)}.file, live: ${data}.making?.source ?? null } }`,
      [archive(draft)],
    )
    const services = draft.need('writers')
    const writers = stopped(draft)
    const aside = draft.once(
      'moveAside',
      'Move the live folder aside',
      () => `{ data: ${data}, restored: ${restored}, stopped: ${writers}, services: ${services} }`,
    )
    draft.once(
      'putInPlace',
      'Put the restored folder in its place',
      () => `{ aside: ${aside}, services: ${services} }`,
    )
    logged(draft, `${archive(draft)}.file`)
  },
  packData: (draft) => {
    const data = draft.need('data')
    const folder = staging(
      draft,
      `folders: ${data}.making === undefined ? [] : [{ folder: ${data}.making.source, exclude: ${data}.making.exclude }]`,
    )
    draft.once('packData', 'Archive the live folder', () => `{ data: ${open(draft)}, staging: ${folder} }`)
  },
  encryptArchive: (draft, { program }) => {
    const archive = draft.output('packData')
    if (archive === null) return 'The archive that it encrypts is not made by this procedure.'
    draft.once(
      'encryptArchive',
      'Encrypt the archive',
      () =>
        `{ archive: ${archive}, cipher: ${program.program === 'age' ? "'age'" : "'gpg'"}, passphrase: ${draft.need('data')}.passphrase }`,
    )
  },
  pruneBackups: (draft, { shell }) => {
    const archive = draft.output('packData')
    if (archive === null)
      return 'Old backups are removed only after this run has made and verified a new one.'
    const sealed = draft.output('encryptArchive')
    const backup = draft.once(
      'fileBackup',
      'Copy the archive to the drive and read it back',
      () =>
        `{ data: ${open(draft)}, archive: ${archive}, sealed: ${sealed ?? 'null'}, encrypt: ${sealed !== null} }`,
    )
    const [, from] = /\btail\s+-n\s*\+(\d+)/.exec(shell.text) ?? []
    const keep =
      from === undefined
        ? draft.param('keep', `param.integer('How many backups stay').optional('as configured')`)
        : String(Math.max(1, Number(from) - 1))
    draft.last(
      'pruneBackups',
      'Remove old data backups',
      `{ data: ${open(draft)}, newest: ${backup}, keep: ${keep} }`,
    )
  },
  checkDestination: (draft) => {
    draft.once(
      'checkDestination',
      'Check that the drive is mounted and has free space',
      () => `{ data: ${open(draft)}, mountCheck: true }`,
    )
  },
  keepFile: (draft) => {
    draft.once(
      'keepFile',
      'Back up the current configuration',
      () => `{ file: ${configuration(draft).file}, folder: ${draft.need('retention')}.dumps }`,
    )
  },
  earlierVersion: replaced,
  restoreCopy: (draft, step) => (/\.env\b/.test(step.text) ? replaced(draft) : false),
  setVariable: (draft, step) => {
    const setting = settingOf(step)
    if (setting?.choosesImage === true)
      return void pin(draft, isLiteral(setting.value) ? setting.value : null)
    const [variable] = setting === null ? step.main.variables : [[setting.name, setting.value] as const]
    if (variable === undefined || !isLiteral(variable[1])) return false
    const { file, services } = configuration(draft)
    const choice = draft.once(
      'setVariable',
      `Set ${variable[0]}=${variable[1]}`,
      () =>
        `{ file: ${file}, name: ${literal(variable[0])}, value: ${literal(variable[1])}, scope: { services: ${services}, of: 'settings' } }`,
    )
    draft.edit = { services, choice, image: null }
  },
  runUnpacked: (draft, { program }) => {
    const root = draft.output('unpack')
    const argv = [program.program, ...program.args]
    if (root === null || !argv.every(isLiteral)) return false
    const earlier = draft.output('runUnpacked')
    draft.add(
      'runUnpacked',
      `Run ${argv.join(' ')}`,
      `{ code: ${earlier ?? root}, argv: ${literal(argv)}, environment: {}, again: ${earlier === null ? archive(draft) : 'null'} }`,
    )
  },
  confirmVariables: (draft) => {
    const { file, services } = configuration(draft)
    draft.once(
      'confirmVariables',
      'Check the container variables',
      () => `{ services: ${services}, file: ${file}, names: ${draft.need('configuration')}.confirm }`,
    )
  },
}

const healthy = (draft: Draft): void => {
  draft.add('checkHealth', 'Check health', `{ checks: ${draft.need('health')} }`)
}

export const looking: Recipes = {
  checkHealth: healthy,
  checkEndpoints: healthy,
  checkBusiness: (draft) => {
    const backup = draft.output('examineBackup')
    if (backup === null) healthy(draft)
    else
      draft.add(
        'checkBusiness',
        'Check business data',
        `{ checks: ${draft.need('volumeDatabase')}.business, backup: ${backup} }`,
      )
  },
  checkMetrics: (draft) => {
    draft.add('checkMetrics', 'Scrape the metrics', `{ metrics: ${draft.need('metrics')} }`)
  },
  inspectPorts: (draft) => {
    draft.add(
      'inspectPorts',
      'Check what listens on the ports',
      `{ stack: ${draft.need('stack')}, checks: ${draft.need('health')} }`,
    )
  },
  recordDeployment: (draft) => {
    const image = draft.output('fetchImage')
    draft.lastly(
      'recordDeployment',
      'Update the deployment history',
      `{ history: ${draft.need('deployments')}.history, to: ${image === null ? 'null' : `maybe(${image}.tag)`}, from: null }`,
    )
  },
}
