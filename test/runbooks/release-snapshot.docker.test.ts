import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ReleaseSite } from '../fixtures/release-site.ts'
import { docker } from '../fixtures/requirements.ts'

const repository = `release-image-${randomBytes(4).toString('hex')}`
const said = (...args: readonly string[]): string =>
  execFileSync('docker', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    .toString()
    .trim()
const tags = (): readonly string[] =>
  said('images', repository, '--format', '{{.Tag}}')
    .split('\n')
    .filter((tag) => tag !== '')
    .sort()

describe.skipIf(!docker())('a release snapshot with a Docker image', () => {
  it(
    'gives the image the version as a further tag, and takes it back where the release fails',
    { timeout: 120_000 },
    async () => {
      await using site = await ReleaseSite.open()
      said('tag', 'runbook-test/busybox:1', `${repository}:latest`)
      try {
        const args = ['--docker-image', `${repository}:latest`]
        const env = { DAMAGE_AFTER: 'write-the-lock-file-and-sha256sums', DAMAGE_IN: site.releases }
        const failed = await site.snapshot(args, { preload: 'damage.ts', env })
        expect(failed.code, failed.stderr).toBe(14)
        expect(tags()).toEqual(['latest'])

        const finished = await site.snapshot(args)
        expect(finished.code, finished.stderr).toBe(0)
        expect(tags()).toEqual(['latest', 'v1.0.1'])
        expect(said('inspect', '--format', '{{.Id}}', `${repository}:v1.0.1`)).toBe(
          said('inspect', '--format', '{{.Id}}', 'runbook-test/busybox:1'),
        )
        const [bundle = ''] = site.bundles()
        expect(JSON.parse(await site.text(bundle.replace('.tar.gz', '.lock.json')))).toMatchObject({
          docker_tag: `${repository}:v1.0.1`,
        })
      } finally {
        for (const tag of tags()) said('rmi', `${repository}:${tag}`)
      }
    },
  )
})
