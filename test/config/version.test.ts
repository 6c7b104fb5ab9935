import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { targetOf } from '../../src/config/target.ts'
import { secret } from '../../src/index.ts'
import { composeApi } from '../../targets/compose-api.ts'

const basePaths = { directory: '/srv/ops', home: '/home/op', host: 'box' }
const of = (sections: object) =>
  targetOf(configSchema.parse({ targets: { api: sections } }), 'api', basePaths)
const stack = (...envFiles: readonly string[]) => ({
  kind: 'compose',
  project: 'api',
  files: ['/srv/api/docker-compose.yml'],
  envFiles,
})
const version = { services: ['api'], image: 'registry.example.com:5000/team/api:{tag}' }

describe('the version of an application', () => {
  it('stands in the only env file of the stack', () => {
    expect(of({ stack: stack('/srv/api/.env'), version }).version).toMatchObject({
      file: '/srv/api/.env',
      variable: 'IMAGE_TAG',
      pull: 'always',
      registry: null,
    })
  })

  it.each<readonly [string, object, string]>([
    [
      'the env file that the documents speak of, while the commands read another one',
      { stack: stack('/srv/api/.env'), version: { ...version, file: '/srv/api/.env.production' } },
      'not one of stack.envFiles',
    ],
    [
      'two env files, none of them named',
      { stack: stack('/srv/api/.env', '/srv/api/.env.production'), version },
      'version.file is not set',
    ],
    ['a stack without an env file', { stack: stack(), version }, 'version.file is not set'],
    [
      'an image without a tag to fill in',
      { stack: stack('/srv/api/.env'), version: { ...version, image: 'api:latest' } },
      '{tag}',
    ],
  ])('T.13: refuses %s', (_, sections, words) => {
    expect(() => of(sections)).toThrow(words)
  })

  it('T.13: the API names its env file once, and pin, exports and configuration are about that one', () => {
    const {
      stack: there,
      version: pin,
      exports,
      configuration,
    } = of(composeApi({ envFile: '.env.production' }))
    expect(there).toMatchObject({ envFiles: ['/srv/api/.env.production'] })
    expect([pin?.file, exports?.file, configuration?.file]).toEqual(
      Array.from({ length: 3 }, () => '/srv/api/.env.production'),
    )
  })

  it.each([
    ['registry.example.com/api:{tag}', 'api'],
    ['localhost:5000/api:{tag}', 'api'],
    ['localhost/api:{tag}', 'api'],
    ['images.example/team/api:{tag}', 'team/api'],
    ['team/api:{tag}', 'team/api'],
  ])('%s is %s in its registry', (image, repository) => {
    const { version: pin } = of({
      stack: stack('/srv/api/.env'),
      version: {
        ...version,
        image,
        registry: 'https://r.example.com',
        registryToken: secret('REGISTRY_TOKEN'),
      },
    })
    expect(pin?.registry).toEqual({
      tags: `https://r.example.com/v2/${repository}/tags/list`,
      bearer: { secret: 'REGISTRY_TOKEN', from: { env: 'REGISTRY_TOKEN' } },
    })
  })
})
