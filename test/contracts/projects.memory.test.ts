import { fakeProjects, noProjects } from '../../src/testing/projects.ts'
import { projectsContract } from './projects.contract.ts'

projectsContract('in memory', async () => {
  const world = noProjects()
  const ran = {
    name: 'ran',
    directory: '/srv/ran',
    files: ['/srv/ran/compose.yml'],
    envFiles: ['/srv/ran/of.env'],
  }
  world.projects.push({
    ...ran,
    containers: [{ service: 'web', image: 'box', running: false, exitCode: null }],
    labels: { team: 'shop' },
  })
  world.loose.push({ name: 'alone', image: 'box', labels: { service: 'loose' } })
  world.documents.set('/srv/idle/compose.yml', {
    name: 'idle',
    services: { web: { image: 'box' }, more: { image: 'box', profiles: ['more'] } },
  })
  world.volumes.set('data', '/var/lib/docker/volumes/data/_data')
  world.healthchecks.set('checked', ['CMD-SHELL', 'true'])
  return {
    projects: fakeProjects(world),
    ran,
    idle: '/srv/idle/compose.yml',
    loose: 'alone',
    volume: 'data',
    images: { checked: 'checked', unchecked: 'box' },
  }
})
