import { isDatabaseCopy, isDump } from '../backup-paths.ts'
import type { Step } from '../procedure.ts'
import { builtIn, into, shows, type Recogniser } from '../recogniser.ts'
import { folderMovedBy } from '../moved-folder.ts'
import { writtenValues } from '../shell-variables.ts'
import { copied } from '../traps/sqlite.ts'

const runs =
  (...programs: readonly string[]) =>
  ({ program }: Step): boolean =>
    programs.includes(program.program)
const has = ({ program }: Step, pattern: RegExp): boolean => program.args.some((arg) => pattern.test(arg))

const isSettings = (path: string): boolean => /(^|\/)\.env|\.(ya?ml|json|toml|conf|cfg|ini)(\.|$)/.test(path)
const ofBackups = /backup|dump|releases|snapshot/i
const isKept = (path: string): boolean => /backup|\.bak|\$\(date|\.old|\d{8}/.test(path)

const copies = (step: Step): { readonly from: string; readonly to: string } =>
  copied(step) ?? { from: '', to: '' }

/** Whether a dump was written to a file that is summed up now. */
const writesDumpOf = (dump: Step, { program: { args } }: Step): boolean =>
  /^pg_dump(all)?$/.test(dump.program.program) &&
  [...dump.shell.stages.flatMap(({ writes }) => writes), ...dump.program.args].some(
    (path) => !path.startsWith('-') && path.includes('/') && args.includes(path),
  )

export const files: readonly Recogniser[] = [
  into(
    'verifyDump',
    (step, before) =>
      runs('sha256sum', 'shasum', 'sha512sum', 'md5sum')(step) &&
      has(step, /^(-[a-zA-Z]*c[a-zA-Z]*|--check)$/) &&
      step.program.args.map(writtenValues(before)).some((path) => isDump(path) || isDatabaseCopy(path)),
  ),
  into(
    'verifyBackup',
    (step) =>
      runs('sha256sum', 'shasum', 'sha512sum', 'md5sum')(step) &&
      has(step, /^(-[a-zA-Z]*c[a-zA-Z]*|--check)$/),
  ),
  builtIn(
    'a dump of a run has a manifest with its checksum',
    (step, before) =>
      runs('sha256sum', 'shasum', 'sha512sum', 'md5sum')(step) &&
      before.some((one) => writesDumpOf(one, step)),
  ),
  shows('a checksum', runs('sha256sum', 'shasum', 'sha512sum', 'md5sum')),
  into(
    'decryptBackup',
    (step) =>
      runs('gpg', 'age')(step) &&
      has(step, /^(-d|--decrypt|--passphrase-fd|-o|--output)$/) &&
      !has(step, /^(-c|-e|--symmetric|--encrypt)$/),
  ),
  into(
    'encryptArchive',
    (step) => runs('gpg', 'age')(step) && has(step, /^(-c|-e|-r|--symmetric|--encrypt|--recipient)$/),
  ),
  into('unpack', (step) => runs('tar')(step) && /^(-?[a-zA-Z]*x|--extract)/.test(step.program.args[0] ?? '')),
  into(
    'packData',
    (step) => runs('tar')(step) && /^(-?[a-zA-Z]*c|--create)/.test(step.program.args[0] ?? ''),
  ),
  shows(
    'the members of an archive',
    (step) => runs('tar')(step) && /^(-?[a-zA-Z]*t|--list)/.test(step.program.args[0] ?? ''),
  ),
  into(
    'pruneBackups',
    (step) =>
      runs('find')(step) &&
      ofBackups.test(step.program.args[0] ?? '') &&
      (has(step, /^-delete$/) || /\brm\b/.test(step.text)),
  ),
  into(
    'pruneBackups',
    (step) =>
      runs('ls')(step) &&
      step.shell.stages.some(({ program, args }) => program === 'xargs' && args.includes('rm')),
  ),
  into(
    'findInTree',
    (step) => runs('find')(step) && has(step, /^-name$/) && !/-delete|\brm\b/.test(step.text),
  ),
  into('keepFile', (step) => runs('cp')(step) && isSettings(copies(step).from) && isKept(copies(step).to)),
  into(
    'restoreCopy',
    (step) => runs('cp', 'mv')(step) && isKept(copies(step).from) && isSettings(copies(step).to),
  ),
  into(
    'earlierVersion',
    (step) =>
      runs('git')(step) &&
      has(step, /^(checkout|restore|show)$/) &&
      (has(step, /^--$/) || has(step, /^--source/)),
  ),
  shows(
    'the history of a repository',
    (step) => runs('git')(step) && has(step, /^(log|status|diff|show|tag|describe|rev-parse)$/),
  ),
  into('moveAside', (step, before) => folderMovedBy(step, before) !== null),
  into('moveAside', ({ main }) => main.program === 'mv' && main.args.some((arg) => isKept(arg))),
  builtIn(
    'a copy to look into is made in the staging folder of the run',
    (step) => runs('cp')(step) && /^(\/var)?\/tmp\//.test(copies(step).to),
  ),
  into(
    'publishRelease',
    (step) => runs('gh')(step) && has(step, /^release$/) && has(step, /^(create|upload)$/),
  ),
  into('downloadRelease', (step) => runs('gh')(step) && has(step, /^release$/) && has(step, /^download$/)),
  into('writeReleaseUrl', (step) => runs('jq')(step) && step.main.writes.length > 0),
  builtIn(
    'a file is replaced at once',
    (step) => runs('mv')(step) && step.main.args[0]?.endsWith('tmp') === true,
  ),
  into('runUnpacked', (step) => runs('npm', 'pnpm', 'yarn', 'npx', 'make')(step)),
  into(
    'setVariable',
    ({ main, from }) => main.program === '' && from === 'inline' && main.variables.size > 0,
  ),
  builtIn('a folder of its own for the run', runs('mkdir', 'mktemp', 'cd')),
]
