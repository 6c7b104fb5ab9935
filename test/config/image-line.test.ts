import { expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { targetOf } from '../../src/config/target.ts'
import { contextsafe } from '../../targets/contextsafe.ts'

const basePaths = { directory: '/srv/ops', home: '/home/op', host: 'box' }
const of = (sections: object) =>
  targetOf(configSchema.parse({ targets: { api: sections } }), 'api', basePaths)
const stack = (...files: readonly string[]) => ({ kind: 'compose', project: 'api', files })

it('the image line stands in the only Compose file of the stack, or in the one that is named', () => {
  expect(of(contextsafe({ root: '/srv/x' })).imageLine).toMatchObject({
    file: '/srv/x/docker/docker-compose.yml',
    services: { names: ['api'] },
  })
  expect(
    of({ stack: stack('/srv/a.yml', '/srv/b.yml'), imageLine: { service: 'api', file: '/srv/b.yml' } })
      .imageLine?.file,
  ).toBe('/srv/b.yml')
})

it.each([
  [
    'two files, none of them named',
    { stack: stack('/srv/a.yml', '/srv/b.yml'), imageLine: { service: 'api' } },
    'imageLine.file is not set',
  ],
  [
    'a file that Compose does not read',
    { stack: stack('/srv/a.yml'), imageLine: { service: 'api', file: '/srv/c.yml' } },
    'not one of stack.files',
  ],
  ['no stack at all', { imageLine: { service: 'api' } }, 'the target has no stack'],
])('the image line is refused with %s', (_, sections, words) => {
  expect(() => of(sections)).toThrow(words)
})
