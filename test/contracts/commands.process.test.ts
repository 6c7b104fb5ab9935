import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { processCommands, versionIn } from '../../src/adapters/process/commands.ts'
import { credentialVariables } from '../../src/drivers/inherited-variables.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { commandsContract } from './commands.contract.ts'

const program = `#!/bin/sh
[ "$1" = --version ] && echo "says (a test) 3.14.1 of 2026" && exit
echo "$*"; echo "$GREETING"; echo "$TOKEN"; cat
for last; do :; done
[ "$last" = wait ] && exec sleep 1000
case "$last" in [0-9]*) exit "$last";; esac
`
const secrets = { available: async () => true, reveal: async () => new Secret('token', 'canary-1234') }

commandsContract('process', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'runbook-commands-'))
  const says = join(directory, 'says')
  await writeFile(says, program)
  await chmod(says, 0o755)
  return {
    commands: (scope) => processCommands({ scope, secrets, environment: {} }),
    says,
    line: (words) => `${says} ${words}`,
    directory,
    secret: { secret: 'token', from: { env: 'TOKEN' } },
    close: () => rm(directory, { recursive: true, force: true }),
  }
})

test('a program that knows its version as a command only is asked for that', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'runbook-commands-'))
  const [knows, neither] = [join(directory, 'knows'), join(directory, 'neither')]
  await writeFile(
    knows,
    '#!/bin/sh\n[ "$1" = version ] && echo "knows 0.14.0 of go1.19" && exit\necho "unknown flag 7.7" >&2; exit 1\n',
  )
  await writeFile(neither, '#!/bin/sh\necho "unknown flag 7.7" >&2; exit 1\n')
  for (const file of [knows, neither]) await chmod(file, 0o755)
  const commands = processCommands({ scope: watchedScope(), secrets, environment: {} })
  expect(await commands.version(knows)).toBe('0.14.0')
  await expect(commands.version(neither)).rejects.toMatchObject({
    message: expect.stringContaining('no version number in its output'),
  })
  await rm(directory, { recursive: true })
})

test('a command gets the proxies and CA certificates of this machine, in either case, and no more', async () => {
  const scope = watchedScope()
  const environment = {
    https_proxy: 'http://proxy.example:3128',
    NO_PROXY: 'localhost',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    SSL_CERT_FILE: '/etc/ssl.pem',
    NODE_OPTIONS: '--require /tmp/x',
    PGHOST: 'elsewhere',
  }
  const commands = processCommands({ scope, secrets, environment })
  const argv = [
    'sh',
    '-c',
    'echo "$https_proxy|$NO_PROXY|$NODE_EXTRA_CA_CERTS|$SSL_CERT_FILE|$NODE_OPTIONS|$PGHOST"',
  ]
  await commands.run({ argv, directory: '/', environment: { NO_PROXY: 'all' }, secrets: {} })
  expect(scope.text()).toBe('http://proxy.example:3128|all|/etc/ca.pem|/etc/ssl.pem||\n')
})

test.each([
  ['HTTPS_PROXY', 'http://user:password@proxy.example:3128', true],
  ['http_proxy', 'user:password@proxy.example:3128', true],
  ['HTTPS_PROXY', 'http://token-as-user@proxy.example', true],
  ['HTTPS_PROXY', 'http://proxy.example:3128/a@b', false],
  ['HTTPS_PROXY', 'proxy.example:3128', false],
  ['NODE_EXTRA_CA_CERTS', '/etc/ssl/me@home.pem', false],
  ['OTHER', 'http://user:password@proxy.example:3128', false],
])('whether %s=%s holds credentials: %s', (name, value, holds) => {
  expect(credentialVariables({ [name]: value, PATH: '/bin' })).toEqual(holds ? { [name]: value } : {})
})

test.each([
  ['pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', '15.18'],
  ['gpg (GnuPG) 2.2.40\nlibgcrypt 1.10.1', '2.2.40'],
  ['v24.21.0', '24.21.0'],
  ['Docker version 28.2.2, build e6534b4', '28.2.2'],
  ['tool 7', '7'],
  ['less 590 (GNU regular expressions)', '590'],
  ['no version here', null],
])('the version in "%s" is %s', (text, version) => {
  expect(versionIn(text)).toBe(version)
})
