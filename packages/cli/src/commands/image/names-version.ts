/** Whether an image name, as it was typed, has a tag or a digest. */
export function namesVersion(name: string): boolean {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/');
}
