import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { targetOf } from '../../src/config/target.ts'
import { importOf, reportText } from '../../src/import/report.ts'
import { importedSteps } from '../../src/import/recognise.ts'
import { writtenSteps, type ImportedFile } from '../../src/import/source.ts'
import { planOf, type Plan } from '../../src/model/plan.ts'
import { isRunbook, type Runbook } from '../../src/model/runbook.ts'
import { root } from '../docs/pages.ts'
import { typeErrorsIn } from '../fixtures/type-check.ts'
import { documents } from './documents.ts'

/** Below the repository, since compiler and Node look for packages in the folders above. */
let folder: string
const projectOf = (name: string): string => join(folder, name)
const files = new Map<string, readonly ImportedFile[]>()

/** `runbook`, as an installed package is called, is this very copy. */
const here = (code: string): string =>
  code
    .replaceAll(`from 'runbook/steps'`, `from '${join(root, 'steps/index.ts')}'`)
    .replaceAll(`from 'runbook'`, `from '${join(root, 'src/index.ts')}'`)

/** One command for each step, in procedures that have what it needs. */
const all = `# Everything

## Volume

\`\`\`sh
docker cp app:/data/app.db /backups/app-now.db
sqlite3 /backups/app_20260102.db ".output rows.csv" "select * from t"
sqlite3 /data/app.db < rows.sql
docker compose run --rm app alembic downgrade abc123
docker compose exec app chmod 600 /data/app.db
curl -s http://127.0.0.1:1/api/total | jq .total
curl http://127.0.0.1:1/api/total
netstat -tlnp
\`\`\`

## Documents

\`\`\`sh
find /backups -name "7.*"
docker cp /backups/7.pdf app:/data/documents/7.pdf
\`\`\`

## Settings

\`\`\`sh
cp .env .env.backup-1
git checkout HEAD~1 -- .env
cp .env.20260102 .env
docker compose up -d app
docker compose restart app
docker compose exec app env
\`\`\`

## Image

\`\`\`sh
docker tag shop/app:previous shop/app:latest
docker compose up -d --force-recreate app
docker tag "$OLD" shop/app:latest
docker compose up -d app
\`\`\`

## Archive

\`\`\`sh
sha256sum -c data.sha256
tar czf data.tar.gz data
gpg --symmetric data.tar.gz
ls -t /mnt/backups/*.tar.gz | tail -n +4 | xargs rm
\`\`\`

## Folder

\`\`\`sh
docker compose stop app
mv uploads uploads.$(date +%Y%m%d)
tar xzf /srv/backups/data-20260102T030405Z.tar.gz -C .
docker compose up -d app
\`\`\`

## Fetch

\`\`\`sh
gh release download v1.2 --repo example/desk --pattern "*.tar.gz"
\`\`\`

## Publish

\`\`\`sh
gh release create "$TAG" desk.tar.gz desk.lock.json
jq --arg url "$URL" '.release_url = $url' desk.lock.json > tmp
\`\`\`
`

/** Texts that would end a string, a comment or a template. */
const hostile = `# It's "quoted" \\\${process.exit(1)} */ \u202e

1. Say \`it\`: 'a' "b" \\\${c} \\\\ // */
2. Run \`docker compose -f "a'b.yml" stop "a'; process.exit(1); '" \`.
3. Run \`X='\\\${y}' docker compose up -d "x\\"y"\` and \`MODE="it's"\`.

\`\`\`sh
./own.sh 'it'"'"'s' "\\\${HOME}" \\
  --more
docker pull "a'b:1"
sed -i "s|image: .*|image: x|" compose.yml
\`\`\`
`

const postgres = `# Postgres

\`\`\`sh
docker compose exec -T db pg_dump -Fc shop > shop.dump
pg_restore -l shop.dump
sqlite3 a.db "pragma integrity_check"
pg_restore -d shop shop.dump
psql -d shop -c "select count(*) from orders"
psql -c "create role shop"
\`\`\`
`

const variables = `# Variables

\`\`\`sh
TAG=1.4
WHEN=$(date +%s)
export API_KEY=x
./own.sh "$TAG" "$WHEN" "$OTHER"
\`\`\`
`

const example = `# Restore of the ticket desk

## Restore the database

1. Tell the support team that the desk is down.
2. Stop what writes: \`docker compose -f deploy/compose.yml stop desk mailer\`.
3. Check and restore last night's dump:

   \`\`\`bash
   ./scripts/pause-mail.sh --all
   pg_restore -l /srv/dumps/desk_20260102.dump
   pg_restore --clean -d desk /srv/dumps/desk_20260102.dump
   \`\`\`

4. \`docker compose -f deploy/compose.yml up -d desk mailer\`
5. Look:

   \`\`\`bash
   sleep 15
   curl -f http://127.0.0.1:8080/health
   docker compose -f deploy/compose.yml logs -f desk
   \`\`\`

6. Write down which tickets are missing.

## If it fails

- \`docker compose -f deploy/compose.yml restart\`
`

const inputs: readonly { readonly name: string; readonly text: string }[] = [
  ...documents,
  { name: 'all', text: all },
  { name: 'postgres', text: postgres },
  { name: 'hostile', text: hostile },
  { name: 'variables', text: variables },
  { name: 'example', text: example },
]

beforeAll(() => {
  folder = mkdtempSync(join(root, 'test', '.imported-'))
  for (const { name, text } of inputs) {
    const written = importOf(`${name}.md`, text).files
    files.set(name, written)
    for (const file of written) {
      const path = join(projectOf(name), file.path)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, here(file.text))
    }
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('what is written compiles', async () => {
  expect(await typeErrorsIn(folder)).toBe('')
}, 240_000)

const params = {
  tag: '7.1',
  when: '1',
  other: '2',
  image: 'shop/api:1',
  tables: 'projects:id',
  key: '7',
  export: '/tmp/rows',
  document: '3',
}

async function plansOf(name: string): Promise<readonly Plan[]> {
  const directory = projectOf(name)
  const { config, basePaths } = await loadConfig({
    directory,
    file: join(directory, 'runbook.config.ts'),
    environment: { HOME: directory },
    trust: { check: () => undefined },
  })
  const target = targetOf(config, 'production', basePaths)
  const plans: Plan[] = []
  for (const { path } of files.get(name) ?? []) {
    if (!path.startsWith('runbooks/')) continue
    const module = (await import(pathToFileURL(join(directory, path)).href)) as { readonly default: unknown }
    if (!isRunbook(module.default)) throw new Error(`${path} exports no runbook`)
    const book: Runbook = module.default
    const given = Object.fromEntries(Object.entries(params).filter(([param]) => param in book.about.params))
    plans.push(planOf(book, target, given).plan)
  }
  return plans
}

describe('what is written is planned', () => {
  test.each(inputs.map(({ name }) => name))('%s', async (name) => {
    const plans = await plansOf(name)
    expect(plans.length).toBeGreaterThan(0)
    for (const plan of plans) expect(plan.steps.length).toBeGreaterThan(0)
  })

  test('with a step for every command that has one, in the order of the document', async () => {
    const [restore] = await plansOf('a SQLite file, with a script')
    expect(restore?.steps.map(({ kind }) => kind)).toEqual([
      'backups.verify',
      'people.approval',
      'services.stop',
      'files.make-staging',
      'backups.decrypt',
      'backups.unpack',
      'databases.examine-backup',
      'databases.keep-volume-database',
      'databases.swap-volume-database',
      'services.bring-up',
      'services.await-healthy',
      'http.check-health',
      'services.scan-logs',
      'databases.remove-old-file',
      'files.remove-staging',
      'records.log-result',
    ])
  })
})

/** Steps of the library that fit only with another one. */
const instead = new Map([
  ['restoreCopy', 'replaceConfig'],
  ['checkEndpoints', 'checkHealth'],
])

describe('the steps', () => {
  const written = (text: string): string =>
    importOf('a.md', text)
      .files.map((file) => file.text)
      .join('\n')
  const procedure = (...commands: readonly string[]): string =>
    ['# Go back', '', '```sh', ...commands, '```', ''].join('\n')

  test('every step that is written is one of the library, and every one of them is tried here', () => {
    expect([...writtenSteps].filter((step) => !importedSteps.has(step))).toEqual([])
    const text = inputs
      .map((one) => one.text)
      .map(written)
      .join('\n')
    expect([...writtenSteps].filter((step) => !text.includes(`${instead.get(step) ?? step}(`))).toEqual([])
  })

  test('services are those that the command names', () => {
    const text = written(
      procedure(
        'docker compose stop api jobs',
        'docker compose up -d api jobs web',
        'docker compose up -d web',
      ),
    )
    expect(text).toContain('stopServices({ services: target.writers })')
    expect(text).toMatch(/bringUp\(\{\s+proof: 'present',\s+services: target\.app,/)
    expect(text).toMatch(/proof: 'present',\s+services: \{ \.\.\.target\.writers, names: \['web'\] \}/)
    expect(text).toContain(`writers: ['api', 'jobs'],`)
  })

  test('a start after an edit brings up what was edited, once', () => {
    const text = written(
      procedure('IMAGE_TAG=2 docker compose pull', 'docker compose up -d api', 'docker compose up -d api'),
    )
    expect(text.match(/bringUp\(/g)).toHaveLength(2)
    expect(text.match(/proof: '[a-z]+'/g)).toEqual(["proof: 'image'", "proof: 'present'"])
  })

  test('two variables are two steps', () => {
    const text = written('# Off\n\n1. Set `MODE=off`, then `docker compose up -d api`.\n2. Set `OTHER=on`.\n')
    expect(text).toContain(`step(\n      'Set MODE=off',`)
    expect(text).toContain(`step(\n      'Set OTHER=on',`)
  })

  test('what proves that nothing writes is made again after a start', () => {
    const text = written(
      procedure(
        'docker compose stop api',
        'docker compose start api',
        'docker cp api:/d/a.db /b/a.db',
        'docker cp /b/a_20260102.db api:/d/a.db',
      ),
    )
    expect(text.match(/stopServices\(/g)).toHaveLength(2)
    expect(text).toContain('writers: stopped2,')
  })

  test('what goes back by hand is left to the rollback', () => {
    const back = (heading: string): string =>
      written(
        `# Go on\n\n${'```sh\ndocker compose stop api\n```'}\n\n## ${heading}\n\n${'```sh\ndocker compose start api\n```\n'}`,
      )
    for (const heading of ['If it fails', '2. If it fails'])
      expect(back(heading)).not.toContain('startServices(')
    expect(back('If it fails')).not.toContain(`'if-it-fails'`)
    expect(back('2. If it fails')).toContain(
      '// Line 10: docker compose start api (a run that fails rolls back by itself)',
    )
    expect(back('2. Start again')).toContain('startServices(')
  })

  test('a folder that is moved aside is replaced by an archive that was unpacked and checked before', () => {
    const moved = 'docker compose stop web\nmv uploads uploads.$(date +%F)\n'
    const text = written(
      `# Go\n\n\`\`\`sh\n${moved}tar xzf /srv/backups/uploads-20260102T030405Z.tar.gz\n\`\`\`\n`,
    )
    const body = text.slice(text.indexOf('({ '))
    const calls = ['unpack(', 'checkKeyFiles(', 'moveAside(', 'putInPlace('].map((call) => body.indexOf(call))
    expect(calls).toEqual(calls.toSorted((one, other) => one - other))
    expect(calls).not.toContain(-1)
    expect(text).not.toContain('runMv')
    expect(written(`# Go\n\n\`\`\`sh\n${moved}\`\`\`\n`)).toContain(
      'Nothing live is moved before its replacement',
    )
  })

  test('numbered items without a command are duties, each with a name of its own', () => {
    const text = written(
      '# Go on\n\n1. Tell them.\n2. Tell them.\n3. `docker compose stop api`\n4. If it works:\n   - [ ] Close it.\n\n- no act\n',
    )
    expect(text.match(/name: '[^']+'/g)).toEqual([
      `name: 'tell-them'`,
      `name: 'tell-them-2'`,
      `name: 'close-it'`,
    ])
    expect(text).toContain('// Line 9: no act\n')
    expect(text.match(/duty\(/g)).toHaveLength(3)
  })

  test.each([
    ['Tell the support team.', true],
    ['The desk is down meanwhile. Please tell the support team.', true],
    ['If customers were affected, inform them.', true],
    ['Keep `infra/compose.yml.bak` at hand.', true],
    ['Check that nobody is logged in', true],
    ['Write down which tickets are missing!', true],
    ['Then finally close the incident.', true],
    ['Note that the desk is slow.', false],
    ['Checks the dump and reports the result.', false],
    ['Archive `a-20260102.tar.gz` is kept on the drive.', false],
    ['Log files are in `/var/log/desk`.', false],
    ['Outputs, and where to find them:', false],
    ['Tell them what follows:', false],
    ['This runbook restores the desk.', false],
    ['Contact: the desk', false],
    ['Test data is removed at night.', false],
  ])('%s: asks a person to act: %s', (sentence, asks) => {
    for (const before of ['', '- ']) {
      const text = written(`# Go\n\n${before}${sentence}\n\n${'```sh\ndocker compose stop api\n```'}\n`)
      expect(text.includes('duty('), text).toBe(asks)
      expect(text).toContain(asks ? 'what: ' : '// Line 3: ')
    }
  })

  test('prose around a command, and what goes back by hand, asks for nothing more', () => {
    const text = written(
      '# Go\n\n- Ensure that it runs (`docker compose up -d api`).\n\nAsk the lead.\n\n## If it fails\n\nTell the lead.\n\n- `docker compose stop api`\n',
    )
    expect(text.match(/duty\(/g)).toHaveLength(1)
    expect(text).toContain(`what: 'Ask the lead.'`)
  })

  test('a release is published as a whole, and fetched by its tag', () => {
    const text = written(all)
    expect(text).toContain("tag: 'v1.2'")
    expect(text).toContain("repository: 'example/desk'")
    expect(text).toContain(
      `release: param.text('Version (tag name) of the release').optional('that of the newest bundle'),`,
    )
    expect(text.indexOf('readAssets({')).toBeLessThan(text.indexOf('publishRelease({'))
    expect(text.match(/writeReleaseUrl\(\{/g)).toHaveLength(1)
    expect(text).toContain('// A step above does this already.')
  })

  test('old backups are removed last, and only after a new one', () => {
    const text = written(all)
    expect(text).toMatch(/newest: filed,\s+keep: 3/)
    expect(text).toMatch(/sealed: encrypted,\s+encrypt: true/)
    expect(text.indexOf('pointOfNoReturn(')).toBeLessThan(text.indexOf('pruneBackups({'))
    const alone = written(procedure('find /backups -mtime +14 -delete', 'gpg --symmetric data.tar.gz'))
    expect(alone).toContain('// Old backups are removed only after this run has made and verified a new one.')
    expect(alone).toContain('// The archive that it encrypts is not made by this procedure.')
    expect(alone).not.toContain('pruneBackups(')
  })

  test('a script step gets the variables that earlier commands set', () => {
    const { files: made } = importOf(
      'a.md',
      procedure(
        'DAY=20260301',
        'FILE="/srv/b/desk-$DAY.tgz"',
        'STAMP=$(date +%s)',
        `export API_TOKEN='not-in-a-runbook'`,
        'UNUSED=1',
        './own.sh "$FILE" "${STAMP}" "$TARGET" "$HOME"',
        'FILE=/srv/b/other.tgz ./own.sh "$FILE"',
        'for F in a b; do ./each.sh "$F"; done',
      ),
    )
    const book = made[0]?.text ?? ''
    expect(book).toContain(
      `environment: { FILE: '/srv/b/desk-20260301.tgz', STAMP: params.stamp, TARGET: params.target },`,
    )
    expect(book).toContain('secrets: { API_TOKEN: params.apiToken }')
    expect(book).toContain(`stamp: param.text('STAMP, which line 6 of the document sets'),`)
    expect(book).toContain(`target: param.text('TARGET, which the document does not set'),`)
    expect(book).toContain(`{ name: 'api_token', env: 'API_TOKEN' }`)
    const steps = made.filter(({ path }) => path.startsWith('steps/')).map(({ text }) => text)
    expect(steps).toHaveLength(3)
    expect(steps[0]).toContain('FILE: string; readonly STAMP: string; readonly TARGET: string')
    expect(steps[0]).toContain('readonly secrets: { readonly API_TOKEN: SecretHandle }')
    expect(steps[1]).not.toContain('environment')
    expect(steps[2]).not.toContain('environment')
    // What only the shell knows is in no file of steps, and a secret in none at all.
    expect(steps.join('')).not.toContain('not-in-a-runbook')
    expect(book.replaceAll(/^ *\/\/.*$/gm, '')).not.toContain('not-in-a-runbook')
  })

  test('a downgrade after a restore, which could not be undone, is a script that is refused', () => {
    const after = written(
      procedure(
        'docker compose stop api',
        'pg_restore -d shop /b/shop_20260301.dump',
        'docker compose run --rm api alembic downgrade 4f2a9c1d',
      ),
    )
    expect(after).toContain('swapDatabase(')
    expect(after).not.toContain('downgradeDatabase(')
    expect(after).toContain(
      '// After a restore it could not be undone: make one of them a runbook of its own.',
    )
    expect(after).toContain('draft: true')
    const alone = written(
      procedure('docker compose stop api', 'docker compose run --rm api alembic downgrade 4f2a9c1d'),
    )
    expect(alone).toContain('downgradeDatabase(')
    expect(alone).toContain("migrations: { service: 'api' }")
    expect(alone).toContain("envFiles: ['.env']")
  })

  test('a second downgrade to another revision is not lost', () => {
    const text = written(
      procedure(
        'docker compose run --rm api alembic downgrade aaaa1111',
        'docker compose run --rm api alembic downgrade bbbb2222',
      ),
    )
    expect(text).toContain("to: 'aaaa1111'")
    expect(text).toMatch(/Line \d+ goes to another revision already/)
    expect(text).toContain('alembic downgrade bbbb2222')
  })

  test('a copy to another host is no file of a container', () => {
    for (const command of [
      'rsync -a /srv/backups/ standby:/srv/backups/',
      'scp /srv/a.db standby:/srv/a.db',
    ]) {
      const text = written(procedure(command))
      expect(text).toContain('draft: true')
      expect(text).not.toMatch(/putFileBack|swapVolumeDatabase/)
    }
    expect(written(procedure('docker cp /b/7.pdf api:/data/documents/7.pdf'))).toContain('putFileBack')
  })

  test('the checksum of a dump names the dump', () => {
    const text = written(
      procedure(
        'sha256sum -c /srv/backups/shop_20260301.dump.sha256',
        'pg_restore -d shop /srv/backups/shop_20260301.dump',
      ),
    )
    expect(text).toContain("backups: { directory: '/srv/backups', pattern: 'shop_{time}.dump' }")
    expect(text).not.toMatch(/verifyBackup|data: \{/)
  })

  test('what psql counts is what restored data has to have, and settings are where the commands run', () => {
    const text = written(
      procedure(
        'cd /srv/desk',
        'pg_restore -d desk dumps/desk_20260102.dump',
        'psql -d desk -c "select count(*) from books;"',
        'echo MODE=off >> .env',
      ),
    )
    expect(text).toContain(`sql: 'select count(*) from books', atLeast: 1`)
    expect(text).toContain(`file: '/srv/desk/.env'`)
    expect(text).not.toContain('alembic_version')
  })

  test('the database, its service and its role are those that the commands name', () => {
    const text = written(
      procedure(
        'cd /srv/shop',
        'docker compose exec -T db pg_restore -U invoice --clean -d invoice < /srv/b/invoice_20260301.dump',
      ),
    )
    expect(text).toContain(
      "database: { engine: 'postgres', service: 'db', name: 'invoice', user: 'invoice' }",
    )
    expect(text).not.toContain('guessed: the document does not say in which')
    expect(text).toContain("files: ['/srv/shop/docker-compose.yml']")
    expect(text).not.toContain("writers: ['db']")
  })

  test('a command under a condition is no step that always runs', () => {
    const text = written(
      '# Go\n\nAnnounce it first.\n\n1. If the bad release had migrated, downgrade:\n\n   ```sh\n   docker compose run --rm api alembic downgrade 4f2a9c1d\n   ```\n',
    )
    expect(text).toContain(`duty({ name: 'announce-it-first', what: 'Announce it first.' })`)
    expect(text).toContain(
      '// On a condition, which a step does not know: If the bad release had migrated, downgrade:',
    )
    expect(text).not.toContain('downgradeDatabase(')
    expect(text).toContain('draft: true')
  })

  test('other commands are script steps, each in a file, refused until they are proven', () => {
    const { files: made } = importOf(
      'a.md',
      procedure('./own.sh --all', 'mysqladmin stop-slave', './own.sh --all'),
    )
    expect(made.map(({ path }) => path)).toEqual([
      'runbooks/go-back.ts',
      'steps/run-own.ts',
      'steps/run-mysqladmin-stop-slave.ts',
      'runbook.config.ts',
    ])
    expect(made[0]?.text).toContain(`import { runOwn } from '../steps/run-own.ts'`)
    expect(made[0]?.text.match(/runOwn\(\{ directory: target\.stack\.directory \}\)/g)).toHaveLength(2)
    expect(made[1]?.text).toContain('await $`./own.sh --all`')
    expect(made[1]?.text).toContain('draft: true,')
  })

  test.each([
    [String.raw`./own.sh \$HOME "${'`'}id${'`'}" ${'$'}{HOME} 'a\nb' \\`],
    ['./own.sh "\u202e" \u0080'],
    [`./own.sh <<EOF\n$x \${y} \\z\nEOF`],
  ])('a script step runs the command as it is written: %j', (command) => {
    const text =
      importOf('a.md', procedure(command)).files.find(({ path }) => path.startsWith('steps/'))?.text ?? ''
    const template = text.slice(text.indexOf('await $') + 7, text.lastIndexOf('`') + 1)
    // oxlint-disable-next-line no-new-func
    expect(new Function(`return ${template}`)()).toBe(command)
    expect(text).not.toMatch(/[\u0080\u202e]/)
  })

  test.each([
    ['find srv/backups -mtime +14 -delete', true],
    ['rm -rf /srv/data', true],
    ['ls -t /srv/logs | tail -n +3 | xargs -r rm', true],
    ['docker volume rm shop_files', true],
    ['docker image prune --force', true],
    ['psql -c "drop database shop"', true],
    ['./own.sh', false],
    ['docker build -t shop:1 .', false],
  ])('%s: a draft that removes what no undo brings back: %s', (command, removes) => {
    const text = written(procedure(command))
    expect(text).toContain('draft: true,')
    expect(text.includes("effect: 'destroy',")).toBe(removes)
    expect(text.includes('irreversible: why what it removes cannot come back')).toBe(removes)
  })

  test('a destructive step comes after the point of no return', () => {
    const text = written(inputs.find(({ name }) => name.startsWith('a Postgres'))?.text ?? '')
    expect(text.indexOf('pointOfNoReturn(')).toBeLessThan(text.indexOf('dropThrowaway({'))
    expect(text.indexOf('pointOfNoReturn(')).toBeGreaterThan(0)
  })

  test('a command in a sentence that names neither dump nor database replaces no data', () => {
    expect(written('# Tested\n\n- How: `pg_restore --clean --no-owner` into a copy.\n')).not.toContain(
      'swapDatabase',
    )
  })
})

/** The import that docs/import-example.md shows. `UPDATE_EXAMPLE=1` writes the page again. */
test('the example in docs/ is what an import of its document gives', () => {
  const { files: made, report } = importOf('restore.md', example)
  const block = (language: string, code: string): string => `~~~~${language}\n${code.trimEnd()}\n~~~~\n`
  const page = [
    '<!-- Written by test/import/source.test.ts: do not edit. -->',
    '# An import, complete',
    '',
    '`npx runbook import restore.md --out recovery` on this document:',
    '',
    block('md', example),
    '## What it prints',
    '',
    block('md', reportText('restore.md', report)),
    '## What it writes',
    '',
    ...made.map(({ path, text }) => `\`recovery/${path}\`:\n\n${block('typescript', text)}`),
  ].join('\n')
  const file = join(root, 'docs', 'import-example.md')
  if (process.env['UPDATE_EXAMPLE'] === '1') writeFileSync(file, page)
  expect(readFileSync(file, 'utf8')).toBe(page)
})
