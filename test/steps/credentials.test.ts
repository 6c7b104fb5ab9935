import { expect, it } from 'vitest'
import { archiveOf, emptyDisk, fakeWorld, lay } from '../../src/testing/index.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { credentialNames, credentialsAmong } from '../../steps/releases/lib/credentials.ts'

const limits = { maxBytes: 1_000_000, maxMembers: 1000, maxDepth: 10 }

async function foundIn(name: string, body: string): Promise<boolean> {
  const disk = emptyDisk()
  lay(disk, '/b.tar.gz', archiveOf([{ name: `./deep/${name}`, kind: 'file', body }]))
  const { archives } = fakeWorld({ disk }).drivers(watchedScope())
  const found = credentialsAmong(await archives.find('/b.tar.gz', limits, credentialNames))
  expect(found).toEqual(found.length === 0 ? [] : [`deep/${name}`])
  return found.length > 0
}

const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nx'

it.each([
  ['.env', 'A=1'],
  ['.env.production', 'A=1'],
  ['server.key', 'x'],
  ['id_rsa', key],
  ['id_ed25519', key],
  ['auth.json', '{"a":1}'],
  ['credentials.json', '{"a":1}'],
  ['server.pem', '-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n'],
  ['long.pem', `-----BEGIN CERTIFICATE-----${'x'.repeat(20_000)}`],
  ['.npmrc', 'registry=https://r/\n//r/:_authToken=npm_abcdefgh\n'],
  ['.npmrc', '_auth = "YWJjOmRlZg=="\n'],
  ['.netrc', 'machine x login y password z'],
  ['.pgpass', 'x:5432:*:u:p'],
])('%s with %s holds credentials', async (name, body) => expect(await foundIn(name, body)).toBe(true))

it.each([
  ['.env', ' \n'],
  ['.env.example', 'A=changeme'],
  ['.env.sample', 'A=1'],
  ['.environment', 'A=1'],
  ['ca.pem', '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'],
  ['.npmrc', 'save-exact=true\n//r/:_authToken=${NPM_TOKEN}\n'],
  ['id_rsa.pub', 'ssh-rsa AAAA'],
  ['keys.ts', 'export const keys = []'],
  ['oauth.json', '{"a":1}'],
])('%s with %s does not', async (name, body) => expect(await foundIn(name, body)).toBe(false))
