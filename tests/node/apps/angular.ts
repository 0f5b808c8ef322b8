// A site of two pages in Angular, and people who log in and out. Compiled in the browser, so that no Angular CLI is needed.
import '@angular/compiler';
import { type ApplicationRef, Component, inject, provideZonelessChangeDetection, signal } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { Chat } from './chat';

@Component({
  selector: 'site-root',
  template: `
    @for (shown of [path()]; track shown) {
      <main>
        <h1>{{ shown }}</h1>
        <button (click)="go('/two')">Next page</button>
        @for (id of people; track id) {
          <button (click)="chat.userId.set(id)">I am {{ id ?? 'nobody' }}</button>
        }
      </main>
    }
  `,
})
class Site {
  readonly chat = inject(Chat);
  readonly people = ['alice', 'bob', null];
  readonly path = signal('/one');

  go(to: string): void {
    history.pushState({}, '', to);
    this.path.set(to);
  }
}

let app: Promise<ApplicationRef>;
const site = {
  mount() {
    const place = document.querySelector('#app')!;
    if (!place.firstElementChild) place.append(document.createElement('site-root'));
    app = bootstrapApplication(Site, { providers: [provideZonelessChangeDetection()] });
  },
  async unmount() {
    (await app).destroy();
  },
};
Object.assign(window, { site });
site.mount();
