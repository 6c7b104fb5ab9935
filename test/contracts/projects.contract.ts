import { describe, expect, it } from 'vitest'
import type { ProjectsView } from '../../src/drivers/projects.ts'
import type { ComposeStack } from '../../src/drivers/services.ts'

/**
 * Two projects: `ran`, made of `files` in `directory` with one env file, of which `web` (image `box`, with the label `team: shop`)
 * exists and is not running, and `idle`, which only has its file, with `name: idle` and the services `web` and `more` of a profile.
 * Beside them a container of no project with the label `service: loose`, a volume, and an image with `HEALTHCHECK CMD true`, made from one without.
 */
export type ProjectsBench = {
  readonly projects: ProjectsView
  readonly ran: {
    readonly name: string
    readonly directory: string
    readonly files: readonly string[]
    readonly envFiles: readonly string[]
  }
  readonly idle: string
  readonly loose: string
  readonly volume: string
  readonly images: { readonly checked: string; readonly unchecked: string }
}

export function projectsContract(name: string, open: () => Promise<ProjectsBench>): void {
  describe(`projects, ${name}`, () => {
    const stackOf = (file: string, project: string): ComposeStack => ({
      kind: 'compose',
      project,
      directory: file.slice(0, file.lastIndexOf('/')),
      files: [file],
      envFiles: [],
      profiles: [],
      environment: {},
    })

    it('lists what has containers, with the files that made them, and not what has none', async () => {
      const { projects, ran } = await open()
      const all = await projects.list()
      const names = all.map((one) => one.name)
      expect(names).toEqual(names.toSorted())
      expect(names).not.toContain('idle')
      const found = all.find((one) => one.name === ran.name)
      expect(found).toMatchObject({ directory: ran.directory, files: ran.files, envFiles: ran.envFiles })
      expect(found?.containers).toEqual([
        { service: 'web', image: expect.any(String), running: false, exitCode: null },
      ])
      expect(found?.labels).toMatchObject({ team: 'shop' })
      expect(
        Object.keys(found?.labels ?? {}).filter((label) => label.startsWith('com.docker.compose.')),
      ).toEqual([])
    })

    it('lists containers of no project apart', async () => {
      const { projects, loose, ran } = await open()
      const all = await projects.loose()
      expect(all.find((one) => one.name === loose)?.labels).toMatchObject({ service: 'loose' })
      expect(all.filter((one) => one.name.startsWith(`${ran.name}-web`))).toEqual([])
    })

    it('resolves the services of every profile, under the name that is given, else the derived one', async () => {
      const { projects, idle } = await open()
      const derived = await projects.document(stackOf(idle, ''))
      expect(derived['name']).toBe('idle')
      expect(Object.keys(derived['services'] as object).toSorted()).toEqual(['more', 'web'])
      expect((await projects.document(stackOf(idle, 'given')))['name']).toBe('given')
    })

    it('refuses a file that is missing', async () => {
      const { projects, idle } = await open()
      await expect(projects.document(stackOf(`${idle}.none`, 'x'))).rejects.toMatchObject({
        name: 'RunbookError',
        code: 'preflight',
        hint: expect.any(String),
      })
    })

    it('knows the health check of an image, and null for one without and for one that is missing', async () => {
      const { projects, images } = await open()
      expect(await projects.healthcheckOf(images.checked)).toEqual(['CMD-SHELL', 'true'])
      expect(await projects.healthcheckOf(images.unchecked)).toBeNull()
      expect(await projects.healthcheckOf('runbook-test/none:0')).toBeNull()
    })

    it('finds the folder of a volume, and null for one that is missing', async () => {
      const { projects, volume } = await open()
      expect(await projects.volumeFolder(volume)).toMatch(/^\//)
      expect(await projects.volumeFolder(`${volume}-none`)).toBeNull()
    })
  })
}
