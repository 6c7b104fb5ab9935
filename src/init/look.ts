import { basename, dirname, join } from 'node:path'
import type { FilesView } from '../drivers/files.ts'
import type { HttpView } from '../drivers/http.ts'
import type { ComposeProject, ProjectsView } from '../drivers/projects.ts'
import { failureOf } from '../kernel/errors.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Facts, HttpAnswer, ProjectFacts, ServiceFacts, SqliteFile } from './facts.ts'
import { localDatabases } from './local.ts'
import { composeFilesIn, type FileSet } from './compose-files.ts'
import { candidatesOf } from './health.ts'
import { foreignRemarks, platformOf } from './platforms.ts'
import { kindOf } from './roles.ts'
import { backupFolders, isSqlite, type SearchRoot } from './search.ts'
import { baseImageIn, buildOf, servicesOf, usesCheckOfImage } from './services.ts'
import { mountOf, sqliteName, sqlitePathsOf } from './sqlite.ts'

/** What can only look. */
export type Views = {
  readonly projects: ProjectsView
  readonly files: FilesView
  readonly http: Pick<HttpView, 'get'>
}

export type LookRequest = {
  /** Folder of the configuration; absolute. */
  readonly folder: string
  /** Compose files, in order, instead of those that are found; absolute. */
  readonly files: readonly string[]
  /** Only this Compose project. */
  readonly project: string | null
}

/** Looks at the projects of a folder; at all of the machine where the folder has none. Changes nothing. */
export async function lookAround(
  { folder, files: given, project }: LookRequest,
  views: Views,
): Promise<Facts> {
  const remarks: string[] = []
  const present = await views.projects.list().catch((thrown: unknown) => {
    remarks.push(`only files were read, since ${failureOf(thrown).message}`)
    return null
  })
  const running = present ?? []
  const { sets, unclear } =
    given.length > 0
      ? { sets: [{ directory: dirname(given[0] ?? folder), files: given }], unclear: [] }
      : await composeFilesIn(views.files, folder)
  const here = sets
  const inFolder = running.filter((one) => belongs(one, given.length > 0 ? null : folder, here))
  const started = new Set(inFolder.flatMap(({ files }) => files))
  const idle = here.filter(
    ({ files, directory }) =>
      !files.some((file) => started.has(file)) && !inFolder.some((one) => one.directory === directory),
  )
  const nothingHere = inFolder.length + idle.length + unclear.length === 0
  const databases =
    nothingHere && given.length === 0 && project === null ? await localDatabases(views.files, folder) : []
  if (databases.length > 0) {
    if (running.length > 0)
      remarks.push(
        `${running.map(({ name }) => name).join(', ')}: running elsewhere; describe one with --project NAME`,
      )
    return {
      folder,
      projects: [],
      databases,
      remarks: [...remarks, ...(await withoutDocker(folder, views.files))],
    }
  }
  const all = [
    ...(nothingHere ? running : inFolder).map((one) => ({
      one,
      files: null,
    })),
    ...idle.map((files) => ({ one: null, files })),
  ]
  if (inFolder.length + idle.length === 0 && unclear.length > 0)
    remarks.push(`several Compose files may be meant; name one with --file: ${unclear.join(', ')}`)
  const found: ProjectFacts[] = []
  for (const { one, files } of all) {
    if (project !== null && one !== null && one.name !== project) continue
    try {
      const facts = await (one === null ? ofFiles(files, folder, views) : ofProject(one, folder, views))
      if (project === null || facts.name === project) found.push(facts)
    } catch (thrown) {
      const { message, hint } = failureOf(thrown)
      remarks.push(
        `${one?.name ?? files?.files.join(', ') ?? ''}: ${message}${hint === null || hint === undefined ? '' : ` (${hint})`}`,
      )
    }
  }
  if (present !== null && found.length === 0) {
    const loose = await views.projects.loose().catch(() => [])
    remarks.push(...foreignRemarks(loose), ...(await withoutDocker(folder, views.files)))
  }
  return { folder, projects: found, databases, remarks }
}

function belongs(
  { directory, files }: ComposeProject,
  folder: string | null,
  here: readonly FileSet[],
): boolean {
  if (files.some((file) => here.some((one) => one.files.includes(file)))) return true
  if (folder === null) return false
  const inside = (path: string): boolean => path === folder || path.startsWith(`${folder}/`)
  return (directory !== null && inside(directory)) || files.some((file) => dirname(file) === folder)
}

/** Process managers that a target cannot name; `stack.kind: 'process'` starts programs itself. */
async function withoutDocker(folder: string, files: FilesView): Promise<readonly string[]> {
  const names = await files.list(folder).catch(() => [])
  const managers = names.filter(
    (name) =>
      /^ecosystem\.config\.[cm]?js$|\.service$|^supervisord?\.conf$/.test(name) || name === 'Procfile',
  )
  if (managers.length === 0) return []
  return [
    `${managers.join(', ')}: runbook does not control pm2, systemd or supervisor; a stack of kind 'process' starts and stops programs itself (runbook help config stack)`,
  ]
}

type Place = {
  readonly name: string
  readonly directory: string
  readonly files: readonly string[]
  readonly envFiles: readonly string[]
}

async function ofFiles(found: FileSet | null, folder: string, views: Views): Promise<ProjectFacts> {
  const place = { name: '', directory: found?.directory ?? folder, files: found?.files ?? [], envFiles: [] }
  return factsOf(place, await documentOf(place, views), null, folder, views)
}

async function ofProject(project: ComposeProject, folder: string, views: Views): Promise<ProjectFacts> {
  const place = await placeOf(project, views.files)
  return factsOf(place, await documentOf(place, views), project, folder, views)
}

const documentOf = ({ name, directory, files, envFiles }: Place, { projects }: Views): Promise<JsonObject> =>
  projects.document({
    kind: 'compose',
    project: name,
    directory,
    files,
    envFiles,
    profiles: [],
    environment: {},
  })

/** Where the files are: as the labels say, or where a platform keeps them if it started Compose elsewhere. */
async function placeOf(project: ComposeProject, files: FilesView): Promise<Place> {
  const directory = project.directory ?? dirname(project.files[0] ?? '/')
  const absolute = (path: string): string => (path.startsWith('/') ? path : join(directory, path))
  const given = {
    name: project.name,
    directory,
    files: project.files.map(absolute),
    envFiles: project.envFiles.map(absolute),
  }
  const isThere = async (path: string): Promise<boolean> =>
    (await files.stat(path).catch(() => null)) !== null
  if (given.files.length > 0 && (await isThere(given.files[0] ?? ''))) return given
  for (const folder of platformOf(project)?.folders ?? []) {
    const [found] = (await composeFilesIn(files, folder)).sets
    if (found !== undefined) return { ...given, directory: folder, files: found.files, envFiles: [] }
  }
  return given
}

async function factsOf(
  place: Place,
  document: JsonObject,
  project: ComposeProject | null,
  folder: string,
  views: Views,
): Promise<ProjectFacts> {
  const name = typeof document['name'] === 'string' ? document['name'] : place.name
  const services = await Promise.all(
    servicesOf(document, project?.containers ?? []).map((service) =>
      completed(service, document, imageOf(service, name, project), views),
    ),
  )
  const runs = services.filter(({ running }) => running === true)
  const platform = project === null ? null : platformOf(project)
  return {
    name,
    directory: place.directory,
    usual: dirname(place.files[0] ?? '') === place.directory,
    files: place.files,
    envFiles: place.envFiles,
    profiles: [...new Set(runs.flatMap(({ profiles }) => profiles))].toSorted(),
    services,
    platform,
    backups: await backupFolders(
      views.files,
      rootsOf(place, services, platform?.backups ?? [], folder),
      dataFolders(services, [place.directory, folder]),
    ),
    sqlite: await sqliteIn(services, views),
    answers: await answersOf(services, views.http),
  }
}

/** The image that runs or would run; Compose names a built one itself. */
const imageOf = ({ name, image }: ServiceFacts, project: string, ran: ComposeProject | null): string =>
  ran?.containers.find(({ service }) => service === name)?.image ?? image ?? `${project}-${name}`

/** With the image that it is built from, its health check, and with the names that its image reads from files. */
async function completed(
  service: ServiceFacts,
  document: JsonObject,
  image: string,
  { files, projects }: Views,
): Promise<ServiceFacts> {
  const build = buildOf(document, service.name)
  const dockerfile =
    build === null
      ? null
      : await textOf(
          files,
          build.dockerfile.startsWith('/') ? build.dockerfile : join(build.context, build.dockerfile),
        )
  const environment = { ...service.environment }
  for (const name of ['POSTGRES_USER', 'POSTGRES_DB', 'POSTGRESQL_USERNAME', 'POSTGRESQL_DATABASE']) {
    const path = environment[`${name}_FILE`]
    if (path === undefined || environment[name] !== undefined) continue
    const text = await textOf(files, hostPathOf(path, service) ?? '')
    if (text !== null) environment[name] = text.trim()
  }
  return {
    ...service,
    environment,
    healthcheck: usesCheckOfImage(document, service.name)
      ? await projects.healthcheckOf(image).catch(() => null)
      : service.healthcheck,
    base: dockerfile === null ? null : baseImageIn(dockerfile, build?.target ?? null),
  }
}

/** A secret is at /run/secrets/NAME in the container. */
function hostPathOf(path: string, { secrets, mounts }: ServiceFacts): string | null {
  const secret = secrets[basename(path)]
  if (path.startsWith('/run/secrets/') && secret !== undefined) return secret
  const held = mountOf(path, mounts)
  return held?.mount.kind === 'folder' ? join(held.mount.source, held.rest) : null
}

const maxText = 64 * 1024

const textOf = (files: FilesView, path: string): Promise<string | null> =>
  path.startsWith('/')
    ? files.read(path, maxText).then(
        (body) => Buffer.from(body).toString('utf8'),
        () => null,
      )
    : Promise.resolve(null)

/** Near the project, where containers write backups, and where servers usually keep them. */
function rootsOf(
  { directory, name }: Place,
  services: readonly ServiceFacts[],
  platform: readonly string[],
  folder: string,
): readonly SearchRoot[] {
  const mounted = services.flatMap((service) =>
    service.mounts
      .filter(
        ({ kind, source, target }) =>
          kind === 'folder' &&
          (/backup|dump/i.test(`${source} ${target}`) || /backup/i.test(service.image ?? '')) &&
          kindOf(service)?.is !== 'cache',
      )
      .map(({ source }) => source),
  )
  return [
    ...platform.map((path) => ({ path, depth: 4 })),
    ...mounted.map((path) => ({ path, depth: 3 })),
    { path: directory, depth: 3 },
    { path: folder, depth: 3 },
    ...['backup', 'backups', 'dumps'].map((one) => ({ path: join(dirname(directory), one), depth: 3 })),
    ...['/backup', '/backups', '/var/backups', '/srv/backups', '/opt/backups'].flatMap((path) =>
      name === '' ? [] : [{ path: join(path, name), depth: 3 }],
    ),
    ...['/backup', '/backups', '/var/backups', '/srv/backups', '/opt/backups'].map((path) => ({
      path,
      depth: 0,
    })),
  ]
}

/**
 * Folders in which services keep what they work with: their files are no backups. A stack for development
 * mounts the project itself, which is searched.
 */
const dataFolders = (services: readonly ServiceFacts[], searched: readonly string[]): readonly string[] =>
  services.flatMap(({ mounts }) =>
    mounts
      .filter(
        ({ kind, source, target }) =>
          kind === 'folder' &&
          !/backup|dump/i.test(`${source} ${target}`) &&
          !searched.some((one) => one === source || one.startsWith(source === '/' ? '/' : `${source}/`)),
      )
      .map(({ source }) => source),
  )

async function sqliteIn(services: readonly ServiceFacts[], views: Views): Promise<readonly SqliteFile[]> {
  const found: SqliteFile[] = []
  for (const service of services) {
    if (kindOf(service) !== null) continue
    for (const path of sqlitePathsOf(service)) {
      const file = await sqliteAt(path, service, views)
      if (file !== null) found.push(file)
    }
    if (found.some((one) => one.service === service.name)) continue
    for (const { kind, source, target } of service.mounts)
      if (kind === 'folder')
        for (const rest of await sqliteBelow(views.files, source))
          found.push({ service: service.name, path: join(target, rest), host: join(source, rest) })
  }
  return unshared(found)
}

/** One of several services that use the same file. */
const unshared = (found: readonly SqliteFile[]): readonly SqliteFile[] =>
  found.filter(
    ({ host, path }, index) =>
      !found
        .slice(0, index)
        .some((one) => (host === null ? one.host === null && one.path === path : one.host === host)),
  )

/** Null if it is known that there is no such file; in a volume that cannot be looked into, it is believed. */
async function sqliteAt(
  path: string,
  { name, mounts }: ServiceFacts,
  views: Views,
): Promise<SqliteFile | null> {
  const held = mountOf(path, mounts)
  if (held === null) return null
  const { mount, rest } = held
  if (mount.kind === 'folder') {
    const host = join(mount.source, rest)
    return (await isSqlite(views.files, host)) === true ? { service: name, path, host } : null
  }
  const folder = await views.projects.volumeFolder(mount.source).catch(() => null)
  const there = folder === null ? null : await isSqlite(views.files, join(folder, rest))
  return there === false ? null : { service: name, path, host: null }
}

async function sqliteBelow(files: FilesView, folder: string): Promise<readonly string[]> {
  const names = await files.list(folder).catch(() => [])
  const found: string[] = []
  for (const name of names)
    if (sqliteName.test(name) && (await isSqlite(files, join(folder, name))) === true) found.push(name)
  return found
}

const patience = 3

/** One GET of each address that could be a health check, where the service runs. */
async function answersOf(
  services: readonly ServiceFacts[],
  http: Pick<HttpView, 'get'>,
): Promise<readonly HttpAnswer[]> {
  const urls = services
    .filter((service) => service.running === true && kindOf(service)?.is !== 'postgres')
    .flatMap(candidatesOf)
    .map(({ url }) => url)
  const answers = await Promise.all(
    [...new Set(urls)].map((url) =>
      http.get(url, { timeoutSeconds: patience, bearer: null }).then(
        ({ status }) => [{ url, status }],
        () => [],
      ),
    ),
  )
  return answers.flat()
}
