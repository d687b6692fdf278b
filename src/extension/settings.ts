import { ConfigurationTarget, workspace } from 'vscode';
import { type SettingName, SETTINGS } from './manifest/settings.js';

/** The present value of a setting. */
export function setting(name: SettingName): boolean {
  return workspace.getConfiguration('puzzle').get<boolean>(name, SETTINGS[name].default);
}

/** Changes a setting for everything the user does. */
export async function changeSetting(name: SettingName, value: boolean): Promise<void> {
  await workspace.getConfiguration('puzzle').update(name, value, ConfigurationTarget.Global);
}
