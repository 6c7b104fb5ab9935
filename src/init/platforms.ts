import type { ComposeProject, LooseContainer } from '../drivers/projects.ts'
import type { Platform } from './facts.ts'

/** A platform with the folders in which it keeps the files of a project. */
export type Marked = Platform & { readonly folders: readonly string[] }

/**
 * The platform that started a project, by the labels and folders that it documents. Coolify marks containers
 * with `coolify.managed`, keeps files in /data/coolify/{applications,services}/UUID and dumps below
 * /data/coolify/backups; Dokploy keeps the files of NAME in /etc/dokploy/compose/NAME/code.
 */
export function platformOf({ name, directory, labels, files }: ComposeProject): Marked | null {
  if (labels['coolify.managed'] !== undefined)
    return {
      name: 'Coolify',
      title:
        labels['coolify.resourceName'] ?? labels['coolify.serviceName'] ?? labels['coolify.name'] ?? null,
      folders: ['applications', 'services', 'databases'].map((kind) => `/data/coolify/${kind}/${name}`),
      backups: ['/data/coolify/backups'],
    }
  const places = [directory ?? '', ...files]
  if (places.some((place) => place.startsWith('/etc/dokploy/compose/')))
    return {
      name: 'Dokploy',
      // Dokploy adds six random letters to the name that its user gave.
      title: name.replace(/-[a-z0-9]{6}$/, ''),
      folders: [`/etc/dokploy/compose/${name}/code`],
      backups: [`/etc/dokploy/compose/${name}/files`],
    }
  return null
}

/** What platforms run without Compose, as remarks: a target needs a Compose project or plain processes. */
export function foreignRemarks(loose: readonly LooseContainer[]): readonly string[] {
  const kamal = new Set(
    loose.flatMap(({ labels }) =>
      labels['service'] !== undefined && labels['role'] !== undefined ? [labels['service']] : [],
    ),
  )
  const caprover = loose.filter(({ labels }) =>
    (labels['com.docker.swarm.service.name'] ?? '').startsWith('srv-captain--'),
  )
  const swarm = loose.filter(
    ({ labels }) =>
      labels['com.docker.swarm.service.name'] !== undefined &&
      !(labels['com.docker.swarm.service.name'] ?? '').startsWith('srv-captain--'),
  )
  const named = (label: string, all: readonly LooseContainer[]): string =>
    [...new Set(all.map(({ labels }) => labels[label] ?? ''))].toSorted().join(', ')
  return [
    ...[...kamal]
      .toSorted()
      .map(
        (service) =>
          `Kamal runs ${service} without Compose: its containers cannot be stopped and started by runbook; a Postgres that it runs can be a database with a host`,
      ),
    ...(caprover.length === 0
      ? []
      : [
          `CapRover runs ${named('com.docker.swarm.service.name', caprover)} as swarm services, which runbook does not support; its data is in /captain/data and in volumes captain--NAME`,
        ]),
    ...(swarm.length === 0
      ? []
      : [
          `${named('com.docker.swarm.service.name', swarm)}: swarm services, which runbook does not support; it restarts what belongs to a Compose project`,
        ]),
  ]
}
