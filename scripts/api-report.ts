import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

/** The entry points of the package, by the name of their report. */
const entrances = {
  runbook: 'src/index.d.ts',
  'runbook-steps': 'steps/index.d.ts',
  'runbook-testing': 'src/testing/index.d.ts',
}

const root = join(import.meta.dirname, '..')
const folder = 'docs/api'

/**
 * Writes the report of every exported name with its signature, so that a reviewer sees each change of the
 * public API in `docs/api`. With `check` it only compares.
 * @returns the reports that differ from the code
 */
function report(check: boolean): readonly string[] {
  // Inside the project, so that declarations find their libraries; below node_modules they would count as a
  // library.
  const built = mkdtempSync(join(root, '.api-'))
  try {
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    const options = ['-p', 'tsconfig.build.json', '--outDir', built, '--emitDeclarationOnly']
    execFileSync(tsc, options, { cwd: root, stdio: 'inherit' })
    return Object.entries(entrances).flatMap(([name, entry]) =>
      Extractor.invoke(configFor(name, join(built, entry), built), {
        localBuild: !check,
        messageCallback: (message) => {
          message.handled = message.logLevel !== ExtractorLogLevel.Error
        },
      }).apiReportChanged
        ? [`${folder}/${name}.api.md`]
        : [],
    )
  } finally {
    rmSync(built, { recursive: true })
  }
}

function configFor(name: string, entry: string, built: string): ExtractorConfig {
  return ExtractorConfig.prepare({
    configObjectFullPath: join(root, 'package.json'),
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      compiler: {
        skipLibCheck: true,
        overrideTsconfig: {
          compilerOptions: {
            module: 'nodenext',
            target: 'es2024',
            lib: ['es2024', 'esnext.disposable', 'esnext.iterator'],
            types: ['node'],
            strict: true,
            skipLibCheck: true,
            allowImportingTsExtensions: true,
            noEmit: true,
          },
          files: [entry],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: join(root, folder),
        reportTempFolder: join(built, 'reports'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  })
}

const check = process.argv.includes('--check')
const stale = report(check)
for (const file of stale) process.stdout.write(`${check ? 'stale' : 'wrote'} ${file}\n`)
if (check && stale.length > 0) {
  process.stderr.write('the public surface changed: run `npm run api`, and review the difference\n')
  process.exitCode = 1
}
