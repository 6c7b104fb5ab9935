import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  installCommand,
  packageFacts,
  withPackage,
} from '../../../src/adapters/environment/optional-packages.ts'
import { optionalPackages, type OptionalPackage } from '../../../src/kernel/optional-packages.ts'

const names = Object.keys(optionalPackages) as OptionalPackage[]

/** As Node says it. */
const notFound = (name: string): Error =>
  Object.assign(new Error(`Cannot find package '${name}' imported from /srv/x.js`), {
    code: 'ERR_MODULE_NOT_FOUND',
  })

test('a package that is missing is refused with what to type, also where it comes along with another', async () => {
  for (const [name, missing] of [
    ['age-encryption', 'age-encryption'],
    ['@octokit/request', '@octokit/request-error'],
  ] as const)
    await expect(
      withPackage(name, ['use', 'GitHub'], () => Promise.reject(notFound(missing))),
    ).rejects.toMatchObject({
      code: 'preflight',
      message: `cannot use GitHub: the npm package ${missing} is not installed`,
      hint: 'install it: npm ci',
    })
})

test('what a package itself lacks, or throws, is no missing package', async () => {
  for (const thrown of [notFound('lodash'), new TypeError('x is not a function')])
    await expect(withPackage('age-encryption', ['read', 'x'], () => Promise.reject(thrown))).rejects.toBe(
      thrown,
    )
})

test('it goes beside the program: into the project, or among the global packages', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'installed-'))
  const main = 'node_modules/runbook/dist/src/cli/main.js'
  await mkdir(join(folder, 'shop'))
  await writeFile(join(folder, 'shop/package.json'), '{}')
  const pnpm = 'node_modules/.pnpm/runbook@0.1.0/node_modules/runbook/dist/src/cli/main.js'
  expect([
    installCommand('@octokit/request', join(folder, 'shop', main)),
    installCommand('age-encryption', join(folder, 'shop', pnpm)),
    installCommand('age-encryption', join(folder, 'lib', main)),
    installCommand('age-encryption', join(folder, 'shop/src/cli/main.ts')),
  ]).toEqual([
    'npm install --save-dev @octokit/request@10 @octokit/request-error@7',
    'npm install --save-dev age-encryption@0.3',
    'npm install --global age-encryption@0.3',
    'npm ci',
  ])
  await rm(folder, { recursive: true })
})

test('the versions to install are those that npm accepts beside the program', async () => {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(
    await readFile(new URL('../../../package.json', import.meta.url), 'utf8'),
  ) as { readonly peerDependencies: Record<string, string>; readonly peerDependenciesMeta: object }
  const accepted = Object.entries(peerDependencies).map(
    ([name, range]) => `${name}@${/^\^(0\.\d+|[1-9]\d*)\./.exec(range)?.[1] ?? range}`,
  )
  expect(names.flatMap((name) => [...optionalPackages[name]]).sort()).toEqual(accepted.sort())
  expect(peerDependenciesMeta).toEqual(
    Object.fromEntries(Object.keys(peerDependencies).map((name) => [name, { optional: true }])),
  )
})

test('the version of each is read without loading it', () => {
  for (const name of names) expect(packageFacts(name)).toEqual({ version: expect.stringMatching(/^\d+\./) })
})
