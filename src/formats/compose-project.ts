import { posix } from 'node:path'

/**
 * The project name that Docker Compose takes from a folder where no other is given: lowercase letters, digits,
 * hyphens and underscores of its name, beginning with a letter or digit (`NormalizeProjectName` of compose-go).
 * @param folder as a path; '' is returned where its name has none of these characters
 */
export const composeProject = (folder: string): string =>
  posix
    .basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
