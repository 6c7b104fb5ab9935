import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { docker, postgresImage } from '../docker.ts'
import { runbookIn, timed } from '../project.ts'
import type { Row } from '../row.ts'

const configOf = (project: string): string => `import { defineConfig } from 'runbook'

export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  defaultTarget: 'shop',
  targets: {
    shop: {
      stack: { kind: 'compose', project: '${project}', files: ['compose.yml'] },
      app: ['web'],
      health: [{ name: 'web', service: 'web', passes: 1, every: '200ms' }],
    },
  },
})
`

/** The release before, whose image is on this machine, runs again and is healthy. */
export const imageRollback: Row = {
  name: 'image-rollback',
  title: 'Rolling a service back to the image of the release before',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const project = `runbook-bench-${process.pid}`
    const repository = `${project}/web`
    for (const release of ['1', '2']) {
      const container = docker('create', postgresImage)
      docker('commit', '--change', `LABEL release=${release}`, container, `${repository}:${release}`)
      docker('rm', '--volumes', container)
    }
    const web = {
      image: `${repository}:latest`,
      entrypoint: ['sleep', 'infinity'],
      init: true,
      healthcheck: { test: ['CMD', 'true'], interval: '1s' },
    }
    writeFileSync(join(folder, 'compose.yml'), JSON.stringify({ services: { web } }), { mode: 0o600 })
    writeFileSync(join(folder, 'runbook.config.ts'), configOf(project), { mode: 0o600 })
    const compose = ['compose', '-p', project, '-f', join(folder, 'compose.yml')]
    const deploy = (): void => {
      docker('tag', `${repository}:2`, `${repository}:latest`)
      docker(...compose, 'up', '--detach', '--no-build', '--wait')
    }
    const afterDeployment = (once: () => Promise<number>) => async (): Promise<number> => {
      deploy()
      return once()
    }
    const byHand = (more: string): string =>
      `docker tag ${repository}:1 ${repository}:latest; docker compose -p ${project} up --detach --no-build ${more}`
    const script = (text: string) => () => timed('sh', ['-ec', text], folder)
    return {
      rounds: quick ? 3 : 9,
      size: 'one service, whose health check looks each second',
      contestants: [
        {
          name: '`docker tag`, `compose up -d --no-build --wait`',
          once: afterDeployment(script(byHand('--wait'))),
        },
        {
          name: '`docker tag`, `compose up -d --no-build`, health not looked at',
          once: afterDeployment(script(byHand(''))),
        },
        {
          name: '`rapid-rollback`',
          once: afterDeployment(() => runbookIn(folder, 'run', 'rapid-rollback', '--to', '1')),
        },
      ],
      close() {
        docker(...compose, 'down', '--timeout', '1')
        docker('rmi', ...docker('images', '--format', '{{.Repository}}:{{.Tag}}', repository).split('\n'))
      },
    }
  },
}
