import { Suspense } from 'react';
import { ChatPage } from '@/components/ChatPage';
import { Home } from '@/components/Home';

export default function Page() {
  return (
    <Suspense fallback={<Home />}>
      <ChatPage />
    </Suspense>
  );
}
