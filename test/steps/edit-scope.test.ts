import { describe, expect, it } from 'vitest'
import type { DeclaredChange, ServiceGroup } from '../../src/drivers/services.ts'
import { fakeWorld, runningFleet } from '../../src/testing/index.ts'
import { requireWithin, scopeFindings, type EditScope } from '../../steps/config/lib/edit-scope.ts'
import { handsOn } from './hands.ts'

const stack = {
  kind: 'compose',
  project: 'shop',
  directory: '/srv',
  files: ['/srv/compose.yml'],
  envFiles: ['/srv/.env'],
  profiles: [],
  environment: {},
} as const
const services: ServiceGroup = { stack, names: ['web', 'jobs'] }
const edit = { file: '/srv/.env', body: Buffer.from('TAG=2\n'), variables: ['TAG'] }

function looking(changes: readonly DeclaredChange[] | null) {
  const fleet = runningFleet({ web: 'one', jobs: 'one', db: 'one', smoke: 'one' })
  fleet.services.get('smoke')!.instance = null
  const { look, notes } = handsOn(fakeWorld({ fleet }))
  return { look: { ...look, services: { ...look.services, declaredChanges: async () => changes } }, notes }
}

const found = async (of: EditScope['of'], ...changes: readonly string[]): Promise<readonly string[]> => {
  const { look } = looking(
    changes.map((text) => {
      const [service = '', path = ''] = text.split(' ')
      return { service: service === 'shared' ? null : service, path }
    }),
  )
  return (await scopeFindings(look, { services, of }, edit)).map(
    ({ level, problem }) => `${level}: ${problem}`,
  )
}
const refused = (what: string): string => `refuse: the edit of /srv/.env would change ${what}`
const warned = (what: string): string => `warn: the edit of /srv/.env would change ${what}`

describe('an edit', () => {
  it.each<readonly [EditScope['of'], readonly string[]]>([
    ['image', ['web image', 'jobs image']],
    ['tag', ['web image']],
    ['settings', ['web environment.MODEL', 'jobs environment.LEVEL']],
  ])('for %s passes where it changes that of its services', async (of, changes) => {
    expect(await found(of, ...changes)).toEqual([])
  })

  it('of an image may change nothing else, not even of the same service', async () => {
    expect(await found('image', 'web image', 'web environment.VERSION')).toEqual([
      refused('environment.VERSION of web'),
    ])
  })

  it.each<EditScope['of']>(['image', 'tag', 'settings', 'declaration'])(
    'for %s is refused where it changes another service that has a container',
    async (of) => {
      expect(await found(of, 'web image', 'db image', 'db environment.LEVEL')).toContain(
        refused('image, environment.LEVEL of db'),
      )
      expect(await found(of, 'web image', 'db ')).toContain(refused('whether db exists'))
    },
  )

  it.each<EditScope['of']>(['image', 'tag', 'settings', 'declaration'])(
    'for %s is refused where the project would have another name',
    async (of) => {
      expect(await found(of, 'web image', 'shared name')).toContain(
        refused('the name of the project: it would no longer be shop'),
      )
    },
  )

  it('is reported where it changes a service without a container, or gives another one its variable', async () => {
    expect(await found('tag', 'web image', 'smoke image', 'db environment.TAG')).toEqual([
      warned('image of smoke'),
      warned('environment.TAG of db'),
    ])
  })

  it('of a tag or of settings is refused where it moves data or networks, and reported for the rest', async () => {
    for (const of of ['tag', 'settings'] as const) {
      const findings = await found(
        of,
        'web image',
        'web environment.A',
        'web volumes',
        'web command',
        'web networks.more',
      )
      expect(findings.filter((one) => one.startsWith('refuse'))).toEqual([
        refused(of === 'tag' ? 'volumes, networks.more of web' : 'image, volumes, networks.more of web'),
      ])
      expect(findings.find((one) => one.startsWith('warn'))).toContain('command of web')
    }
  })

  it('is refused where it changes what services share, unless it replaces the declaration', async () => {
    expect(await found('settings', 'shared volumes.data.name')).toEqual([refused('volumes.data.name')])
    expect(await found('declaration', 'shared volumes.data.name', 'web volumes')).toEqual([
      warned('volumes.data.name'),
      warned('volumes of web'),
    ])
  })

  it('of a tag is refused where it reaches no image', async () => {
    expect(await found('tag')).toEqual([
      'refuse: the edit of /srv/.env would change the image of none of web, jobs',
    ])
    expect(await found('settings')).toEqual([])
  })

  it('of a file that the stack reads in no known place is not compared, and that is said', async () => {
    const { look, notes } = looking(null)
    expect(await scopeFindings(look, { services, of: 'tag' }, edit)).toMatchObject([
      { level: 'warn', problem: expect.stringContaining('is not compared') as string },
    ])
    await requireWithin(look, { services, of: 'tag' }, edit)
    expect(notes).toEqual([expect.stringContaining('is not compared')])
  })

  it('is refused just before it is written too, with the place', async () => {
    const { look } = looking([{ service: 'db', path: 'image' }])
    await expect(requireWithin(look, { services, of: 'settings' }, edit)).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('image of db') as string,
      hint: expect.stringContaining('name it in the target beside web, jobs') as string,
    })
  })
})
